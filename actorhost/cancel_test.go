package actorhost_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/wire"
)

type desk struct{ troupe.Ref }

func (desk) ActorType() string { return "desk" }

var (
	deskSign  = troupe.NewAction[desk, int, troupe.None]("sign") // a negative number waits
	deskNames = troupe.NewAction[desk, troupe.None, []int]("names")
	deskPass  = troupe.NewAction[desk, troupe.None, troupe.None]("pass") // to desk/next
)

type deskState struct{ Names []int }

// deskHall is what the actors of a test share.
type deskHall struct {
	enter chan struct{} // one for each sign that waits, and each wake if slow
	leave chan struct{} // lets one go on
}

func newDeskHall() deskHall {
	return deskHall{enter: make(chan struct{}, 10), leave: make(chan struct{})}
}

func (h deskHall) wait(c *actorhost.Context) error {
	h.enter <- struct{}{}
	select {
	case <-h.leave:
		return nil
	case <-c.Done():
		return fmt.Errorf("waiting: %w", c.Err())
	}
}

func (h deskHall) actors() actorhost.ActorType[desk, deskState] {
	return actorhost.Define(func() deskState { return deskState{} },
		actorhost.On(deskSign, func(s *deskState, c *actorhost.Context, n int) (troupe.None, error) {
			s.Names = append(s.Names, n)
			if n < 0 {
				return nil, h.wait(c)
			}
			return nil, nil
		}),
		actorhost.On(deskNames, func(s *deskState, _ *actorhost.Context, _ troupe.None) ([]int, error) { return s.Names, nil }),
		actorhost.On(deskPass, func(_ *deskState, c *actorhost.Context, _ troupe.None) (troupe.None, error) {
			return deskSign.Call(c, troupe.GetOrCreate[desk](c, "next"), -1)
		}),
	)
}

// signed calls sign with n in a goroutine, and returns what calls it off and its error.
func signed(t *testing.T, ref desk, n int) (cancel context.CancelFunc, failed <-chan error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() {
		_, err := deskSign.Call(ctx, ref, n)
		result <- err
	}()
	return cancel, result
}

// waiting waits until so many calls wait in the mailbox of the actor.
func waiting(t *testing.T, nc *nats.Conn, host *actorhost.Host, id troupe.ID, calls int) {
	t.Helper()
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		answer := ask(t, nc, ns.ActorInfo(host.ID(), id), "application/json")
		var info wire.ActorInfo
		return json.Unmarshal(answer.Data, &info) == nil && info.Awake && info.Waiting == calls
	}, 10*time.Second, time.Millisecond)
}

func TestCanceledCallThatWaitsDoesNotRun(t *testing.T) {
	t.Parallel()
	for name, slowWake := range map[string]bool{"awake": false, "as it wakes": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hall := newDeskHall()
			actors := hall.actors()
			if slowWake {
				actors = actors.OnWake(func(_ *deskState, c *actorhost.Context) error { return hall.wait(c) })
			}
			b := hosttest.Start(t)
			host, nc, ref := b.Host(actors), b.Connect(), troupe.GetOrCreate[desk](b.Client, "a")
			_, first := signed(t, ref, -1)
			<-hall.enter
			const calls = 200 // many travel in batches
			var canceled, kept []<-chan error
			want := []int{-1}
			var cancels []context.CancelFunc
			for n := range calls {
				cancel, failed := signed(t, ref, n)
				if n%2 == 0 {
					cancels, canceled = append(cancels, cancel), append(canceled, failed)
				} else {
					want, kept = append(want, n), append(kept, failed)
				}
			}
			waiting(t, nc, host, ref.ID(), calls)
			for i, cancel := range cancels {
				cancel()
				err := <-canceled[i]
				require.ErrorIs(t, err, troupe.ErrOutcomeUnknown)
				require.ErrorIs(t, err, context.Canceled)
			}
			_, last := signed(t, ref, calls) // which arrives after what was sent before
			waiting(t, nc, host, ref.ID(), calls+1)
			if slowWake {
				hall.leave <- struct{}{}
				<-hall.enter
			}
			hall.leave <- struct{}{}
			for _, result := range append(kept, first, last) {
				require.NoError(t, <-result)
			}
			names, err := deskNames.Call(t.Context(), ref, nil)
			require.NoError(t, err)
			require.ElementsMatch(t, append(want, calls), names)
		})
	}
}

func TestCancelOfNoCall(t *testing.T) {
	t.Parallel()
	hall, b := newDeskHall(), hosttest.Start(t)
	host, nc, ref := b.Host(hall.actors()), b.Connect(), troupe.GetOrCreate[desk](b.Client, "a")
	_, first := signed(t, ref, -1)
	<-hall.enter
	_, second := signed(t, ref, 1)
	waiting(t, nc, host, ref.ID(), 1)

	reply, err := nc.Request("troupe.call.desk.a._cancel", nil, 10*time.Second)
	require.NoError(t, err)
	require.ErrorIs(t, wire.DecodeError(reply), troupe.ErrBadInput)
	require.NoError(t, nc.Publish("troupe.call.desk.a._cancel", nil))
	inbox := nc.NewInbox()
	for n := range 10_000 { // of another program
		require.NoError(t, nc.PublishRequest("troupe.call.desk.a._cancel", fmt.Sprintf("%s.id.%x.1", inbox, n+1), nil))
	}
	require.NoError(t, nc.PublishRequest("troupe.route.desk.b._cancel", inbox+".id.1.1", nil))
	_, err = nc.Request("troupe.call.desk.a._cancel", nil, 10*time.Second)
	require.NoError(t, err)
	require.Equal(t, 1, host.Active(), "it wakes nobody")

	cancel, third := signed(t, ref, 2)
	waiting(t, nc, host, ref.ID(), 2)
	cancel()
	require.ErrorIs(t, <-third, troupe.ErrOutcomeUnknown)
	_, fourth := signed(t, ref, 3)
	waiting(t, nc, host, ref.ID(), 3)
	hall.leave <- struct{}{}
	for _, result := range []<-chan error{first, second, fourth} {
		require.NoError(t, <-result)
	}
	names, err := deskNames.Call(t.Context(), ref, nil)
	require.NoError(t, err)
	require.Equal(t, []int{-1, 1, 3}, names)
}

func TestActionEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	for name, with := range map[string]bool{"asked for": true, "by default not": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hall, log := newDeskHall(), new(bustest.Log)
			b := hosttest.Start(t)
			b.HostWith(actorhost.Config{Logger: slog.New(slog.NewTextHandler(log, nil))},
				hall.actors().Config(actorhost.TypeConfig{CancelWithCaller: with}))
			ref, next := troupe.GetOrCreate[desk](b.Client, "a"), troupe.GetOrCreate[desk](b.Client, "next")
			ctx, cancel := context.WithCancel(t.Context())
			failed := make(chan error, 1)
			go func() {
				_, err := deskPass.Call(ctx, ref, nil)
				failed <- err
			}()
			<-hall.enter // desk/next, for desk/a
			cancel()
			require.ErrorIs(t, <-failed, troupe.ErrOutcomeUnknown)
			want := []int(nil)
			if !with {
				hall.leave <- struct{}{}
				want = []int{-1}
			}
			names, err := deskNames.Call(t.Context(), next, nil)
			require.NoError(t, err)
			require.True(t, slices.Equal(want, names), "%v", names)
			names, err = deskNames.Call(t.Context(), ref, nil)
			require.NoError(t, err)
			require.Empty(t, names)
			require.False(t, log.Contains("failed"), "a caller that gives up is no fault")
		})
	}
}

// TestActionEndsWithItsCallerOfBefore: the caller gives up while the actor wakes for its call.
func TestActionEndsWithItsCallerOfBefore(t *testing.T) {
	t.Parallel()
	hall, waking := newDeskHall(), make(chan struct{})
	b := hosttest.Start(t)
	b.Host(hall.actors().Config(actorhost.TypeConfig{CancelWithCaller: true}).OnWake(func(_ *deskState, c *actorhost.Context) error {
		if c.ID().KeyString() != "a" {
			return nil
		}
		// Once that is answered, the bus knows where the actor is.
		_, err := deskNames.Call(c, troupe.GetOrCreate[desk](c, "next"), nil)
		close(waking)
		<-c.Done()
		return err
	}))
	ref := troupe.GetOrCreate[desk](b.Client, "a")
	cancel, failed := signed(t, ref, -1)
	<-waking
	cancel()
	require.ErrorIs(t, <-failed, troupe.ErrOutcomeUnknown)
	names, err := deskNames.Call(t.Context(), ref, nil)
	require.NoError(t, err)
	require.Empty(t, names, "its Context was done")

	_, failed = signed(t, ref, -1)
	select {
	case hall.leave <- struct{}{}:
		require.NoError(t, <-failed)
	case err := <-failed:
		require.NoError(t, err, "it is another call")
	}
}
