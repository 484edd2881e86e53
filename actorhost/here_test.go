package actorhost_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client"
)

type street struct{ troupe.Ref }

func (street) ActorType() string { return "street" }

var (
	knockAt   = troupe.NewAction[street, int, int]("knockAt")            // counts what it is given
	peekAt    = troupe.NewAction[street, string, int]("peekAt")          // what another one has counted
	stroll    = troupe.NewAction[street, []string, []int]("stroll")      // knocks once at each
	shoutAt   = troupe.NewAction[street, string, troupe.None]("shoutAt") // tells three times
	inspectAt = troupe.NewAction[street, []string, int]("inspectAt")     // has one tell another, and looks
	goRound   = troupe.NewAction[street, string, troupe.None]("goRound") // calls one that calls back
)

type streetState struct{ Knocks int }

func streets() actorhost.Definition {
	return actorhost.Define(func() streetState { return streetState{} },
		actorhost.On(knockAt, func(s *streetState, _ *actorhost.Context, n int) (int, error) {
			if n < 0 {
				return 0, troupe.NewError("nobody", "nobody is there").With("n", n)
			}
			s.Knocks += n
			return s.Knocks, nil
		}),
		actorhost.On(peekAt, func(_ *streetState, c *actorhost.Context, at string) (int, error) {
			return knockAt.Call(c, troupe.GetOrCreate[street](c, at), 0)
		}),
		actorhost.On(stroll, func(_ *streetState, c *actorhost.Context, at []string) (all []int, err error) {
			for _, one := range at {
				n, err := knockAt.Call(c, troupe.GetOrCreate[street](c, one), 1)
				if err != nil {
					return nil, err
				}
				all = append(all, n)
			}
			return all, nil
		}),
		actorhost.On(shoutAt, actorhost.NoOut(func(_ *streetState, c *actorhost.Context, at string) error {
			for range 3 {
				if err := knockAt.Tell(c, troupe.GetOrCreate[street](c, at), 1); err != nil {
					return err
				}
			}
			return nil
		})),
		actorhost.On(inspectAt, func(_ *streetState, c *actorhost.Context, by []string) (int, error) {
			if _, err := shoutAt.Call(c, troupe.GetOrCreate[street](c, by[0]), by[1]); err != nil {
				return 0, err
			}
			return knockAt.Call(c, troupe.GetOrCreate[street](c, by[1]), 0)
		}),
		actorhost.On(goRound, actorhost.NoOut(func(_ *streetState, c *actorhost.Context, at string) error {
			if at == "" {
				return nil
			}
			_, err := goRound.Call(c, troupe.GetOrCreate[street](c, at), c.Key()[0])
			return err
		})))
}

// Calls between actors that are awake on one host take no way over NATS, and are otherwise calls like any.
func TestCallsBetweenActorsOfOneHost(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	nc := b.Connect()
	host, err := actorhost.Start(t.Context(), nc, actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, streets())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, host.Stop(context.Background())) })
	at := func(key string) street { return troupe.GetOrCreate[street](b.Client, key) }
	for _, key := range []string{"a", "b"} { // wakes them
		_, err := knockAt.Call(t.Context(), at(key), 0)
		require.NoError(t, err)
	}

	const calls = 500
	before := nc.Stats()
	_, err = stroll.Call(t.Context(), at("a"), make([]string, 0))
	require.NoError(t, err)
	one := nc.Stats().OutMsgs - before.OutMsgs
	before = nc.Stats()
	for range calls {
		_, err = peekAt.Call(t.Context(), at("a"), "b") // changes nothing, so nothing is stored
		require.NoError(t, err)
	}
	require.LessOrEqual(t, nc.Stats().OutMsgs-before.OutMsgs, calls*one+calls/10, "only the answers to the calls of the test")

	_, err = stroll.Call(t.Context(), at("a"), []string{"b", "b"})
	require.NoError(t, err)
	_, err = goRound.Call(t.Context(), at("a"), "b")
	require.ErrorIs(t, err, troupe.ErrCallCycle)
	_, err = peekAt.Call(t.Context(), at("a"), "a")
	require.ErrorIs(t, err, troupe.ErrCallCycle)

	ctx := troupe.WithRequestID(t.Context(), "once")
	for range 3 {
		all, err := stroll.Call(ctx, at("a"), []string{"b", "c"})
		require.NoError(t, err)
		require.Equal(t, []int{3, 1}, all)
	}
}

// Actors fall asleep and wake while others call them. Each call takes effect once.
func TestCallsBetweenActorsThatFallAsleep(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, streets())
	b.Host(streets())
	const walkers, walks = 8, 40
	stop := make(chan struct{})
	var sleeping, walking sync.WaitGroup
	for i := range 2 {
		sleeping.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				ref := troupe.Get[street](b.Client, fmt.Sprint("door", i))
				if err := fallAsleep(t.Context(), b, ref); err != nil && !errors.Is(err, troupe.ErrNotFound) {
					t.Errorf("sleep: %v", err)
				}
			}
		})
	}
	for i := range walkers {
		walking.Go(func() {
			for range walks {
				if _, err := stroll.Call(t.Context(), troupe.GetOrCreate[street](b.Client, fmt.Sprint("walker", i)), []string{"door0", "door1"}); err != nil {
					t.Errorf("stroll: %v", err)
				}
			}
		})
	}
	walking.Wait()
	close(stop)
	sleeping.Wait()
	for i := range 2 {
		n, err := knockAt.Call(t.Context(), troupe.GetOrCreate[street](b.Client, fmt.Sprint("door", i)), 0)
		require.NoError(t, err)
		require.Equal(t, walkers*walks, n)
	}
}

func fallAsleep(ctx context.Context, b *hosttest.Bus, ref street) error {
	return b.Client.Invoke(ctx, troupe.Invocation{ID: ref.ID(), Action: troupe.SleepAction, Existing: true})
}

// What an actor tells another one is not overtaken by a call of whoever has heard that it was told.
func TestTellsAndCallsOfOneHostStayInOrder(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, streets())
	for _, key := range []string{"a", "b"} {
		_, err := knockAt.Call(t.Context(), troupe.GetOrCreate[street](b.Client, key), 0)
		require.NoError(t, err)
	}
	for round := range 100 {
		seen, err := inspectAt.Call(t.Context(), troupe.GetOrCreate[street](b.Client, "c"), []string{"a", "b"})
		require.NoError(t, err)
		require.Equal(t, 3*(round+1), seen)
	}
}

// Errors come as they are made.
func TestErrorsBetweenActorsOfOneHost(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, streets(), actorhost.Define(func() struct{} { return struct{}{} },
		actorhost.On(passTo, func(_ *struct{}, c *actorhost.Context, n int) (int, error) {
			return knockAt.Call(c, troupe.GetOrCreate[street](c, "b"), n)
		})))
	_, err := knockAt.Call(t.Context(), troupe.GetOrCreate[street](b.Client, "b"), 1)
	require.NoError(t, err)
	_, err = passTo.Call(t.Context(), troupe.GetOrCreate[passer](b.Client, "p"), -1)
	failed, ok := errors.AsType[*troupe.Error](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, troupe.Code("nobody"), failed.Code)
	require.EqualValues(t, -1, failed.Metadata["n"])
	require.True(t, failed.FromActor)
}

type passer struct{ troupe.Ref }

func (passer) ActorType() string { return "passer" }

var passTo = troupe.NewAction[passer, int, int]("passTo")

// A client of another user is not the host: what it calls goes over its connection, whatever the context is.
func TestAnotherClientInAnActionUsesItsConnection(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	nc := b.Connect()
	other, err := client.New(nc, client.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, other.Close(context.Background())) })
	b.Host(streets(), actorhost.Define(func() struct{} { return struct{}{} },
		actorhost.On(passTo, func(_ *struct{}, c *actorhost.Context, n int) (int, error) {
			return knockAt.Call(c, troupe.GetOrCreate[street](other, "b"), n)
		})))
	_, err = knockAt.Call(t.Context(), troupe.GetOrCreate[street](b.Client, "b"), 0)
	require.NoError(t, err)
	for n := range 10 {
		before := nc.Stats().OutMsgs
		got, err := passTo.Call(t.Context(), troupe.GetOrCreate[passer](b.Client, "p"), 1)
		require.NoError(t, err)
		require.Equal(t, n+1, got)
		require.Greater(t, nc.Stats().OutMsgs, before)
	}
}

// The answer to a call that was given up comes late, and must not be taken for that of the next call, which has its memory.
func TestLateAnswerOnOneHostIsNobodyElses(t *testing.T) {
	t.Parallel()
	begun, release := make(chan string, 4), map[string]chan struct{}{"b": make(chan struct{}), "c": make(chan struct{})}
	hold := troupe.NewAction[street, troupe.None, string]("hold")
	giveUp := troupe.NewAction[street, troupe.None, string]("giveUp")
	b := hosttest.Start(t, actorhost.Define(func() streetState { return streetState{} },
		actorhost.On(knockAt, func(*streetState, *actorhost.Context, int) (int, error) { return 0, nil }),
		actorhost.On(hold, actorhost.NoIn(func(_ *streetState, c *actorhost.Context) (string, error) {
			begun <- c.Key()[0]
			<-release[c.Key()[0]]
			return c.Key()[0], nil
		})),
		actorhost.On(giveUp, actorhost.NoIn(func(_ *streetState, c *actorhost.Context) (string, error) {
			short, cancel := context.WithTimeout(c, 20*time.Millisecond)
			defer cancel()
			if got, err := hold.Call(short, troupe.GetOrCreate[street](c, "b"), nil); err == nil {
				return got, errors.New("it did not wait")
			}
			return hold.Call(c, troupe.GetOrCreate[street](c, "c"), nil)
		}))))
	for key := range release { // wakes them
		_, err := knockAt.Call(t.Context(), troupe.GetOrCreate[street](b.Client, key), 0)
		require.NoError(t, err)
	}
	var calls sync.WaitGroup
	calls.Go(func() {
		if got, err := giveUp.Call(t.Context(), troupe.GetOrCreate[street](b.Client, "a"), nil); err != nil || got != "c" {
			t.Errorf("it got %q, %v", got, err)
		}
	})
	require.Equal(t, "b", <-begun)
	require.Equal(t, "c", <-begun)
	close(release["b"]) // nobody waits for its answer any more
	_, err := knockAt.Call(t.Context(), troupe.GetOrCreate[street](b.Client, "b"), 0)
	require.NoError(t, err)
	close(release["c"])
	calls.Wait()
}
