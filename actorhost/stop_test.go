package actorhost_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/bus"
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
				actorhost.On(linger, actorhost.NoInOut(func(s *counterState, _ *actorhost.Context) error {
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
	_, err = leases.Renew(t.Context(), bus.HostEntry{ID: id}, revision, time.Minute)
	require.NoError(t, err)
	b.Stop(host)
	_, up, err = leases.Revision(t.Context(), id)
	require.NoError(t, err)
	require.False(t, up)
}
