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
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/wire"
)

// underLoad has callers add to counters while during runs, and checks that no call fails and none takes effect twice.
// goOn waits for 100 more calls.
func underLoad(t *testing.T, clients []*client.Client, during func(goOn func())) {
	t.Helper()
	const counters, callers = 40, 16
	var added [counters]atomic.Int64
	var done atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	var calls errgroup.Group
	for caller := range callers {
		c := clients[caller%len(clients)]
		calls.Go(func() error {
			for i := caller; ctx.Err() == nil; i++ {
				n := i % counters
				if err := call(t.Context(), add, troupe.GetOrCreate[counter](c, fmt.Sprint(n)), 1); err != nil {
					return err
				}
				added[n].Add(1)
				done.Add(1)
			}
			return nil
		})
	}
	during(func() {
		until := done.Load() + 100
		require.Eventually(t, func() bool { return done.Load() > until || t.Failed() }, 30*time.Second, time.Millisecond)
	})
	stop()
	require.NoError(t, calls.Wait())
	total, resent := int64(0), uint64(0)
	for n := range added {
		got, err := get.Call(t.Context(), troupe.GetOrCreate[counter](clients[0], fmt.Sprint(n)), nil)
		require.NoError(t, err)
		require.Equal(t, added[n].Load(), int64(got))
		total += int64(got)
	}
	for _, c := range clients {
		resent += c.Resent()
	}
	t.Logf("%d calls, %d sent again", total, resent)
}

func TestRollingRestartFailsNoCall(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	hosts := []*actorhost.Host{b.Host(counters()), b.Host(counters()), b.Host(counters())}
	underLoad(t, []*client.Client{b.Client, b.NewClient(client.Config{})}, func(goOn func()) {
		for range 3 {
			for i, host := range hosts {
				hosts[i] = b.Host(counters())
				b.Stop(host)
				goOn()
			}
		}
	})
}

func TestKilledHostsFailNoCall(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	hosts := []*actorhost.Host{b.Host(counters()), b.Host(counters()), b.Host(counters())}
	underLoad(t, []*client.Client{b.Client, b.NewClient(client.Config{})}, func(goOn func()) {
		for i, host := range hosts {
			b.Kill(host)
			hosts[i] = b.Host(counters())
			goOn()
		}
	})
}

// TestRollingRestartAnswersPlainRequests has callers that send nothing again: each request is answered, or refused as
// not started. It runs in virtual time, so that none takes long for another reason.
func TestRollingRestartAnswersPlainRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const actors = 40
		b := hosttest.Start(t)
		hosts := []*actorhost.Host{b.Host(counters()), b.Host(counters()), b.Host(counters())}
		var answered, refused atomic.Int64
		ctx, stop := context.WithCancel(t.Context())
		var calls errgroup.Group
		for caller := range 16 {
			nc := b.Connect()
			calls.Go(func() error {
				for i := caller; ctx.Err() == nil; i++ {
					time.Sleep(time.Millisecond) //nolint:forbidigo // virtual time, which stands still as long as anybody runs
					msg, err := nc.Request(fmt.Sprintf("troupe.route.counter.%d.add", i%actors), []byte{1}, time.Minute)
					if err != nil {
						stop()
						return err
					}
					switch failed := wire.DecodeError(msg); {
					case failed == nil:
						answered.Add(1)
					case failed.Code != troupe.CodeUnavailable:
						return failed
					default:
						refused.Add(1)
					}
				}
				return nil
			})
		}
		for range 3 {
			for i, host := range hosts {
				hosts[i] = b.Host(counters())
				b.Stop(host)
				for until := answered.Load() + 100; answered.Load() < until && ctx.Err() == nil; {
					time.Sleep(time.Millisecond) //nolint:forbidigo // virtual time
				}
			}
		}
		stop()
		require.NoError(t, calls.Wait())
		t.Log(answered.Load(), "answered,", refused.Load(), "refused")
		total := int64(0)
		for i := range actors {
			got, err := get.Call(t.Context(), troupe.GetOrCreate[counter](b.Client, fmt.Sprint(i)), nil)
			require.NoError(t, err)
			total += int64(got)
		}
		require.Equal(t, answered.Load(), total)
	})
}
