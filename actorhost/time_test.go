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
	"github.com/troupe-go/troupe/internal/wire"
)

// The tests of this file run in virtual time, which is why none is parallel: see package hosttest.

func TestTimeRunsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t, counters())
		a := troupe.GetOrCreate[counter](b.Client, "a")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		err := call(ctx, slow, a, time.Minute)
		require.ErrorIs(t, err, troupe.ErrOutcomeUnknown)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(began))

		// What had started is not cancelled: its effect shows.
		ctx, cancel = context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		got, err := get.Call(ctx, a, nil)
		require.NoError(t, err)
		require.Equal(t, 1, got)
	})
}

func TestCallWithoutDeadlineHasTheDefaultOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t, counters())
		began := time.Now()
		err := call(t.Context(), slow, troupe.GetOrCreate[counter](b.Client, "a"), time.Hour)
		require.ErrorIs(t, err, troupe.ErrOutcomeUnknown)
		require.Equal(t, 30*time.Second, time.Since(began))
		time.Sleep(2 * time.Hour) //nolint:forbidigo // virtual time: lets the action end
	})
}

func TestWhatHasNotStartedWhenItsCallerGivesUpIsNotStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t, counters())
		a := troupe.GetOrCreate[counter](b.Client, "a")
		go func() { _ = call(t.Context(), slow, a, 10*time.Second) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, call(ctx, add, a, 100), context.DeadlineExceeded)
		got, err := get.Call(t.Context(), a, nil)
		require.NoError(t, err)
		require.Equal(t, 1, got, "the slow action ran, the one behind it did not")
	})
}

func TestDeadlineShrinksOnTheWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := troupe.NewAction[counter, []string, time.Duration]("left")
		kind := actorhost.Define(func() counterState { return counterState{} },
			actorhost.On(left, func(_ *counterState, c *actorhost.Context, path []string) (time.Duration, error) {
				if len(path) > 0 {
					timer := time.NewTimer(time.Second)
					<-timer.C
					return left.Call(context.WithoutCancel(c), troupe.GetOrCreate[counter](c, path[0]), path[1:])
				}
				deadline, _ := c.Deadline()
				return time.Until(deadline), nil
			}))
		b := hosttest.Start(t, kind)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		got, err := left.Call(ctx, troupe.GetOrCreate[counter](b.Client, "a"), []string{"b", "c", "d"})
		require.NoError(t, err)
		require.Equal(t, 7*time.Second, got)
	})
}

func TestIdleActorsSleepAndWakeWithTheirState(t *testing.T) {
	for name, test := range map[string]struct {
		kind  actorhost.Definition
		after time.Duration
	}{
		"by default":     {counters(), actorhost.DefaultSleepAfter},
		"as configured":  {counters().Config(actorhost.TypeConfig{SleepAfter: 5 * time.Minute}), 5 * time.Minute},
		"within seconds": {counters().Config(actorhost.TypeConfig{SleepAfter: 2 * time.Second}), 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := hosttest.Start(t)
				host := b.Host(test.kind)
				a := troupe.GetOrCreate[counter](b.Client, "a")
				_, err := add.Call(t.Context(), a, 7)
				require.NoError(t, err)
				require.NoError(t, call(t.Context(), hidden, a, 7))
				before, err := whereIs.Call(t.Context(), a, nil)
				require.NoError(t, err)

				for range 3 { // calls keep it awake
					time.Sleep(test.after * 2 / 3) //nolint:forbidigo // virtual time
					require.NoError(t, call(t.Context(), get, a, nil))
					require.Equal(t, 1, host.Active())
				}
				time.Sleep(test.after * 5 / 4) //nolint:forbidigo // virtual time
				require.Zero(t, host.Active())

				got, err := get.Call(t.Context(), a, nil)
				require.NoError(t, err)
				require.Equal(t, 7, got)
				ephemeral, err := hidden.Call(t.Context(), a, 0)
				require.NoError(t, err)
				require.Zero(t, ephemeral, "unexported fields last for one activation")
				after, err := whereIs.Call(t.Context(), a, nil)
				require.NoError(t, err)
				require.Greater(t, after.Epoch, before.Epoch)
			})
		})
	}
}

func TestAnotherHostTakesOverWhenTheLeaseHasRunOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t)
		first := b.HostWith(actorhost.Config{Lease: 5 * time.Second}, counters())
		a := troupe.GetOrCreate[counter](b.Client, "a")
		require.NoError(t, call(t.Context(), add, a, 3))
		b.Kill(first)
		b.Host(counters())
		got, err := get.Call(t.Context(), a, nil)
		require.NoError(t, err)
		require.Equal(t, 3, got)
		time.Sleep(10 * time.Second) //nolint:forbidigo // virtual time: the first host finds out
	})
}

func TestHostThatHasLostItsLeaseStartsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t)
		host := b.Host(counters())
		a := troupe.GetOrCreate[counter](b.Client, "a")
		require.NoError(t, call(t.Context(), add, a, 3))
		require.NoError(t, call(t.Context(), hidden, a, 3))
		before, err := whereIs.Call(t.Context(), a, nil)
		require.NoError(t, err)

		ns, err := wire.NewNamespace("")
		require.NoError(t, err)
		leases, err := store.OpenHosts(t.Context(), b.Connect(), ns, store.Settings{})
		require.NoError(t, err)
		revision, up, err := leases.Revision(t.Context(), host.ID())
		require.NoError(t, err)
		require.True(t, up)
		require.NoError(t, leases.Revoke(t.Context(), host.ID(), revision))
		time.Sleep(2 * time.Second) //nolint:forbidigo // virtual time: until the host wants to renew it

		require.NotEqual(t, before.Host, host.ID())
		require.Zero(t, host.Active(), "what it held is no longer its own")
		got, err := add.Call(t.Context(), a, 1)
		require.NoError(t, err)
		require.Equal(t, 4, got)
		after, err := whereIs.Call(t.Context(), a, nil)
		require.NoError(t, err)
		require.Equal(t, host.ID(), after.Host)
		require.Greater(t, after.Epoch, before.Epoch)
	})
}
