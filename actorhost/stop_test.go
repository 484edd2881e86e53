package actorhost_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/internal/store"
)

// TestStopWithinGrace stops a host in the middle of an action, which ends in time or does not. In either case the
// host's other actors are free at once.
func TestStopWithinGrace(t *testing.T) {
	t.Parallel()
	for name, inTime := range map[string]bool{"ends in time": true, "is given up": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			started, goOn := make(chan struct{}, 1), make(chan struct{})
			linger := troupe.NewAction[counter, troupe.None, troupe.None]("linger")
			kind := actorhost.Define(func() counterState { return counterState{} },
				actorhost.On(add, (*counterState).add),
				actorhost.On(get, actorhost.NoIn((*counterState).get)),
				actorhost.On(linger, actorhost.NoInNoOut(func(s *counterState, _ *actorhost.Context) error {
					select {
					case started <- struct{}{}:
					default:
					}
					<-goOn
					s.Value += 10
					return nil
				})))
			b := hosttest.Start(t)
			leases := leasesOf(t, b)
			host := b.Host(kind)
			a, other := troupe.GetOrCreate[counter](b.Client, "a"), troupe.GetOrCreate[counter](b.Client, "other")
			require.NoError(t, call(t.Context(), add, other, 1))
			result := make(chan error, 1)
			go func() { result <- call(t.Context(), linger, a, nil) }()
			<-started
			id := host.ID()
			b.Host(kind)
			grace := 200 * time.Millisecond
			if inTime {
				grace = 10 * time.Second
				go func() {
					<-time.After(50 * time.Millisecond)
					close(goOn)
				}()
			}
			ctx, cancel := context.WithTimeout(t.Context(), grace)
			defer cancel()
			err := host.Stop(ctx)
			_, up, readErr := leases.Revision(t.Context(), id)
			require.NoError(t, readErr)
			require.False(t, up, "the lease is given back")
			if inTime {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, context.DeadlineExceeded)
				b.Kill(host) // it has said that it did not end cleanly
				close(goOn)
			}
			require.NoError(t, <-result)
			for ref, want := range map[counter]int{a: 10, other: 1} {
				got, err := get.Call(t.Context(), ref, nil)
				require.NoError(t, err)
				require.Equal(t, want, got)
			}
		})
	}
}

// TestStopOfTheLastHost stops the only host, in virtual time, in the middle of an action that then calls an actor which
// has ended with it. Nobody will answer, so neither the host nor the caller waits for that until their time is over.
func TestStopOfTheLastHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		started, goOn := make(chan struct{}, 2), make(chan struct{}, 1)
		ask := troupe.NewAction[counter, troupe.None, int]("ask")
		b := hosttest.Start(t)
		host := b.Host(actorhost.Define(func() counterState { return counterState{} },
			actorhost.On(add, (*counterState).add),
			actorhost.On(ask, actorhost.NoIn(func(_ *counterState, c *actorhost.Context) (int, error) {
				started <- struct{}{}
				<-goOn
				return add.Call(c, troupe.GetOrCreate[counter](c, "asked"), 1)
			}))))
		a := troupe.GetOrCreate[counter](b.Client, "a")
		goOn <- struct{}{}
		got, err := ask.Call(t.Context(), a, nil)
		require.NoError(t, err)
		require.Equal(t, 1, got)
		<-started

		result := make(chan error, 1)
		go func() {
			_, err := ask.Call(t.Context(), a, nil)
			result <- err
		}()
		<-started
		time.AfterFunc(100*time.Millisecond, func() { goOn <- struct{}{} }) // the other has ended by then
		began := time.Now()
		require.NoError(t, host.Stop(t.Context()))
		require.Less(t, time.Since(began), 2*time.Second)
		require.ErrorIs(t, <-result, troupe.ErrUnavailable)
	})
}

// TestStopGivesBackALeaseWhoseRenewalWasNotAnswered: the host does not know the newest revision of its own lease.
func TestStopGivesBackALeaseWhoseRenewalWasNotAnswered(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	leases := leasesOf(t, b)
	host := b.HostWith(actorhost.Config{Lease: time.Minute}, counters())
	id := host.ID()
	revision, up, err := leases.Revision(t.Context(), id)
	require.NoError(t, err)
	require.True(t, up)
	_, err = leases.Renew(t.Context(), store.HostEntry{ID: id}, revision, time.Minute)
	require.NoError(t, err)
	b.Stop(host)
	_, up, err = leases.Revision(t.Context(), id)
	require.NoError(t, err)
	require.False(t, up)
}

type stopper struct{ troupe.Ref }

func (stopper) ActorType() string { return "stopper" }

func TestStopWithinATurnIsRefused(t *testing.T) {
	t.Parallel()
	stop := troupe.NewAction[stopper, troupe.None, troupe.None]("stop")
	b := hosttest.Start(t)
	var host *actorhost.Host
	host = b.Host(actorhost.Define(func() struct{} { return struct{}{} },
		actorhost.On(stop, actorhost.NoInNoOut(func(_ *struct{}, c *actorhost.Context) error {
			ctx, cancel := context.WithTimeout(c, time.Minute)
			defer cancel()
			return host.Stop(ctx)
		}))))
	ref := troupe.GetOrCreate[stopper](b.Client, "a")
	for range 2 { // it goes on
		require.ErrorIs(t, call(t.Context(), stop, ref, nil), troupe.ErrBadInput)
	}
}
