package actorhost_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// roamer is an actor that says on which host it is.
type roamer struct{ troupe.Ref }

func (roamer) ActorType() string { return "roamer" }

var (
	roamerSteps = troupe.NewAction[roamer, time.Duration, int]("roamerSteps")
	roamerIsAt  = troupe.NewAction[roamer, troupe.None, string]("roamerIsAt")
	roamerRests = troupe.NewAction[roamer, time.Duration, troupe.None]("roamerRests")
	roamerWalks = troupe.NewWorkflow[roamer, int, int]("roamerWalks")
	roamerJoins = troupe.NewConnector[roamer, troupe.None]()
	roamed      = troupe.NewEvent[roamer, int]("roamed")
)

type roamerState struct{ Steps int }

func (s *roamerState) step(c *actorhost.Context, takes time.Duration) (int, error) {
	time.Sleep(takes) //nolint:forbidigo // virtual time, or none
	s.Steps++
	return s.Steps, roamed.Broadcast(c, s.Steps)
}

func (*roamerState) join(*actorhost.Context, *actorhost.Connection, troupe.None) error { return nil }

func (*roamerState) rest(c *actorhost.Context, d time.Duration) error {
	_, err := roamerSteps.After(c, d, 0)
	return err
}

func roam(w *actorhost.Flow[roamerState], steps int) (walked int, err error) {
	for range steps {
		err := w.Update("step", func(s *roamerState, _ *actorhost.Context) error { s.Steps++; return nil })
		if err != nil {
			return 0, err
		}
		_, err = actorhost.Step(w, "walk", func(c *actorhost.StepContext) (int, error) { // which a move cuts off, now and then
			select {
			case <-time.After(40 * time.Second):
				return 0, nil
			case <-c.Done():
				return 0, c.Err()
			}
		})
		if err != nil {
			return 0, err
		}
		if err := w.Sleep("rest", time.Minute); err != nil {
			return 0, err
		}
	}
	return steps, nil
}

// roamers are those on one host, with a run loop if it is to count them.
func roamers(at string, loops *atomic.Int64) actorhost.ActorType[roamer, roamerState] {
	t := actorhost.Define(func() roamerState { return roamerState{} },
		actorhost.On(roamerSteps, (*roamerState).step),
		actorhost.On(roamerRests, actorhost.NoOut((*roamerState).rest)),
		actorhost.On(roamerIsAt, actorhost.NoIn(func(*roamerState, *actorhost.Context) (string, error) { return at, nil })).ReadOnly(),
		actorhost.OnConnect(roamerJoins, (*roamerState).join),
		actorhost.OnWorkflow(roamerWalks, roam),
	).Broadcasts(roamed)
	if loops == nil {
		return t
	}
	return t.Loop(func(l *actorhost.Loop[roamerState]) error {
		loops.Add(1)
		defer loops.Add(-1)
		<-l.Done()
		return nil
	})
}

func moveTo(ctx context.Context, c troupe.Caller, r roamer, host any) error {
	return c.Invoke(ctx, troupe.Invocation{ID: r.ID(), Action: troupe.MoveAction, In: host})
}

// TestMove moves an actor between two hosts.
func TestMove(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	hosts := map[string]string{"first": b.Host(roamers("first", nil)).ID(), "second": b.Host(roamers("second", nil)).ID()}
	other := b.Host(counters())
	r := troupe.GetOrCreate[roamer](b.Client, "r")
	require.ErrorIs(t, moveTo(t.Context(), b.Client, r, hosts["first"]), troupe.ErrNotFound)
	for i := range 10 {
		_, err := roamerSteps.Call(t.Context(), r, 0)
		require.NoError(t, err)
		if i >= 6 {
			require.NoError(t, b.Client.Invoke(t.Context(), troupe.Invocation{ID: r.ID(), Action: troupe.SleepAction}))
		}
		for _, to := range []string{"first", "second", "second"} {
			require.NoError(t, moveTo(t.Context(), b.Client, r, hosts[to]))
			at, err := roamerIsAt.Call(t.Context(), r, nil)
			require.NoError(t, err)
			require.Equal(t, to, at)
		}
	}
	for what, to := range map[string]any{"nowhere": "", "not up": "abcdefghijkl", "of other types": other.ID(), "none": 7} {
		require.ErrorIs(t, moveTo(t.Context(), b.Client, r, to), troupe.ErrBadInput, what)
	}
	at, err := roamerIsAt.Call(t.Context(), r, nil)
	require.NoError(t, err)
	require.Equal(t, "second", at)
}

// TestMoveLeavesNobodyInBetween asks a host to take an actor that it cannot take: calls go on where it is.
func TestMoveLeavesNobodyInBetween(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	b.Host(roamers("first", nil))
	r, other := troupe.GetOrCreate[roamer](b.Client, "r"), troupe.GetOrCreate[roamer](b.Client, "other")
	for _, one := range []roamer{r, other} {
		_, err := roamerSteps.Call(t.Context(), one, 0)
		require.NoError(t, err)
	}
	full := b.HostWith(actorhost.Config{MaxActive: 1}, roamers("full", nil))
	require.NoError(t, moveTo(t.Context(), b.Client, other, full.ID()))
	for range 10 {
		require.ErrorIs(t, moveTo(t.Context(), b.Client, r, full.ID()), troupe.ErrOverloaded)
		at, err := roamerIsAt.Call(t.Context(), r, nil)
		require.NoError(t, err)
		require.Equal(t, "first", at)
	}
}

// TestMoveUnderLoad moves an actor forth and back while programs call it: none of the calls is lost, runs twice or fails.
func TestMoveUnderLoad(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	hosts := []string{b.Host(roamers("0", nil)).ID(), b.Host(roamers("1", nil)).ID(), b.Host(roamers("2", nil)).ID()}
	r := troupe.GetOrCreate[roamer](b.Client, "r")
	const callers, moves = 8, 12
	var moved atomic.Bool
	var calls atomic.Int64
	run := new(errgroup.Group)
	for range callers {
		run.Go(func() error {
			for last := 0; !moved.Load(); {
				n, err := roamerSteps.Call(t.Context(), r, 0)
				if err != nil || n <= last {
					return fmt.Errorf("%d after %d: %w", n, last, err)
				}
				last = n
				calls.Add(1)
			}
			return nil
		})
	}
	_, err := roamerSteps.Call(t.Context(), r, 0)
	require.NoError(t, err)
	for i := range moves {
		require.NoError(t, moveTo(t.Context(), b.Client, r, hosts[i%len(hosts)]))
	}
	moved.Store(true)
	require.NoError(t, run.Wait())
	n, err := roamerSteps.Call(t.Context(), r, 0)
	require.NoError(t, err)
	require.EqualValues(t, calls.Load()+2, n)
}

// TestMoveTakesAllAlong moves an actor that has a connection, a run loop, a workflow and a schedule.
func TestMoveTakesAllAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t)
		var loops [2]atomic.Int64
		hosts := []string{b.Host(roamers("0", &loops[0])).ID(), b.Host(roamers("1", &loops[1])).ID()}
		r := troupe.GetOrCreate[roamer](b.Client, "r")
		_, err := roamerSteps.Call(t.Context(), r, 0)
		require.NoError(t, err)
		heard := make(chan int, 100)
		c, err := roamerJoins.Connect(t.Context(), r, nil, roamed.On(func(_ context.Context, n int) error { heard <- n; return nil }))
		require.NoError(t, err)
		require.NoError(t, roamerWalks.Start(t.Context(), r, 5))
		_, err = roamerRests.Call(t.Context(), r, 3*time.Minute)
		require.NoError(t, err)
		for i := range 10 {
			require.NoError(t, moveTo(t.Context(), b.Client, r, hosts[i%2]))
			virtually(time.Minute)
			require.EqualValues(t, 1, loops[i%2].Load())
			require.Zero(t, loops[1-i%2].Load())
			require.Equal(t, troupe.StatusConnected, c.Status())
		}
		walked, err := roamerWalks.Result(t.Context(), r)
		require.NoError(t, err)
		require.Equal(t, 5, walked)
		n, err := roamerSteps.Call(t.Context(), c.Actor(), 0)
		require.NoError(t, err)
		require.Equal(t, 1+5+1+1, n)
		<-heard // of what was scheduled
		require.Equal(t, n, <-heard)
		require.NoError(t, c.Close(t.Context()))
	})
}

// TestMoveOfABusyActor waits for what runs, but not for longer than the call that asks for it may take.
func TestMoveOfABusyActor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t)
		hosts := []string{b.Host(roamers("0", nil)).ID(), b.Host(roamers("1", nil)).ID()}
		r := troupe.GetOrCreate[roamer](b.Client, "r")
		for i, takes := range []time.Duration{0, 2 * time.Second, 10 * time.Second, 0} {
			went := make(chan error, 1)
			go func() { _, err := roamerSteps.Call(t.Context(), r, takes); went <- err }()
			virtually(time.Second)
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
			if err := moveTo(ctx, b.Client, r, hosts[i%2]); takes > 5*time.Second {
				require.Error(t, err)
			} else {
				require.NoError(t, err)
			}
			cancel()
			require.NoError(t, <-went)
		}
		n, err := roamerSteps.Call(t.Context(), r, 0)
		require.NoError(t, err)
		require.Equal(t, 5, n)
	})
}
