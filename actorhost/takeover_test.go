package actorhost_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// leasesOf opens the leases of the hosts on a bus.
func leasesOf(t *testing.T, b *hosttest.Bus) *store.Hosts {
	t.Helper()
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	leases, err := store.OpenHosts(t.Context(), b.Connect(), ns, store.Settings{})
	require.NoError(t, err)
	return leases
}

// refuseLeases has the server store no lease until grant is called.
func refuseLeases(t *testing.T, b *hosttest.Bus) (grant func()) {
	t.Helper()
	js, err := jetstream.New(b.Connect())
	require.NoError(t, err)
	stream, err := js.Stream(t.Context(), "KV_troupe-hosts")
	require.NoError(t, err)
	setMaxSize := func(size int32) {
		config := stream.CachedInfo().Config
		config.MaxMsgSize = size
		_, err = js.UpdateStream(t.Context(), config)
		require.NoError(t, err)
	}
	setMaxSize(1)
	return func() { setMaxSize(-1) }
}

// requireRefused checks that counter/a answers not even what changes nothing.
func requireRefused(t *testing.T, b *hosttest.Bus) {
	t.Helper()
	answer, err := b.Connect().Request("troupe.route.counter.a.get", nil, time.Second)
	require.NoError(t, err)
	failed := wire.DecodeError(answer)
	require.NotNil(t, failed)
	require.Equal(t, troupe.CodeUnavailable, failed.Code)
}

// hearPings has somebody hear what a host is asked, and say nothing.
func hearPings(t *testing.T, b *hosttest.Bus, host *actorhost.Host) *nats.Subscription {
	t.Helper()
	nc := b.Connect()
	sub, err := nc.Subscribe("troupe.host."+host.ID()+".>", func(*nats.Msg) {})
	require.NoError(t, err)
	require.NoError(t, nc.Flush()) // the server knows of it before the host is gone
	return sub
}

// TestTakeover tells, in virtual time, how long the next call waits when the owner of its actor is gone in one way or
// another. A host that hears pings and says nothing stands for one that is frozen.
func TestTakeover(t *testing.T) {
	const lease = 5 * time.Second
	for name, test := range map[string]struct {
		end           func(*hosttest.Bus, *actorhost.Host)
		least, atMost time.Duration
	}{
		"killed":  {(*hosttest.Bus).Kill, 0, 500 * time.Millisecond},
		"stopped": {(*hosttest.Bus).Stop, 0, 100 * time.Millisecond},
		"killed, and pings are lost for a while": {func(b *hosttest.Bus, host *actorhost.Host) {
			pings := hearPings(t, b, host)
			b.Kill(host)
			time.AfterFunc(180*time.Millisecond, func() { _ = pings.Unsubscribe() })
		}, 180 * time.Millisecond, 300 * time.Millisecond},
		"silent": {func(b *hosttest.Bus, host *actorhost.Host) {
			hearPings(t, b, host)
			b.Kill(host)
		}, lease / 2, lease + time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := hosttest.Start(t)
				leases := leasesOf(t, b)
				first := b.HostWith(actorhost.Config{Lease: lease}, counters())
				a, other := troupe.GetOrCreate[counter](b.Client, "a"), troupe.GetOrCreate[counter](b.Client, "other")
				require.NoError(t, call(t.Context(), add, a, 3))
				require.NoError(t, call(t.Context(), add, other, 3))
				b.Host(counters())

				id := first.ID()
				test.end(b, first)
				began := time.Now()
				got, err := add.Call(t.Context(), a, 1)
				took := time.Since(began)
				require.NoError(t, err)
				require.Equal(t, 4, got)
				require.GreaterOrEqual(t, took, test.least)
				require.LessOrEqual(t, took, test.atMost)
				_, up, err := leases.Revision(t.Context(), id)
				require.NoError(t, err)
				require.False(t, up, "nobody takes over from a host that has a lease")

				began = time.Now()
				require.NoError(t, call(t.Context(), add, other, 1))
				require.Less(t, time.Since(began), 250*time.Millisecond, "whoever is gone is not asked again")
				time.Sleep(2 * lease) //nolint:forbidigo // virtual time: the first host finds out
			})
		})
	}
}

// TestLeaseIsKept has a host renew its lease for an hour of virtual time, and then unable to.
func TestLeaseIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const lease = 3 * time.Second
		b := hosttest.Start(t)
		leases := leasesOf(t, b)
		host := b.HostWith(actorhost.Config{Lease: lease}, counters())
		id := host.ID()
		for range 600 {
			time.Sleep(6 * time.Second) //nolint:forbidigo // virtual time
			_, up, err := leases.Revision(t.Context(), id)
			require.NoError(t, err)
			require.True(t, up)
		}
		require.Equal(t, id, host.ID())

		a := troupe.GetOrCreate[counter](b.Client, "a")
		require.NoError(t, call(t.Context(), add, a, 3))
		grant := refuseLeases(t, b)
		time.Sleep(2 * lease) //nolint:forbidigo // virtual time: it runs out by the host's own clock
		requireRefused(t, b)
		grant()
		got, err := get.Call(t.Context(), a, nil)
		require.NoError(t, err)
		require.Equal(t, 3, got)
	})
}

// TestNextOwnerMayHaveIt has a host without a lease refuse a call that came to the actor's own subject. In virtual time.
func TestNextOwnerMayHaveIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const lease = 3 * time.Second
		b := hosttest.Start(t)
		host := b.HostWith(actorhost.Config{Lease: lease, Logger: slog.New(slog.DiscardHandler)}, counters())
		a := troupe.GetOrCreate[counter](b.Client, "a")
		require.NoError(t, call(t.Context(), add, a, 3))
		grant := refuseLeases(t, b)
		time.Sleep(2 * lease) //nolint:forbidigo // virtual time: it runs out by the host's own clock
		nc := b.Connect()
		replies, err := nc.SubscribeSync("_INBOX.me.id.1.1")
		require.NoError(t, err)
		require.NoError(t, nc.Publish("troupe.host."+host.ID()+".batch", batch(nats.Msg{
			Subject: "troupe.call.counter.a.add", Reply: replies.Subject, Data: []byte{1},
		})))
		refused, err := replies.NextMsg(time.Second)
		require.NoError(t, err)
		require.Equal(t, "unavailable", refused.Header.Get("Troupe-Error-Code"), "nobody else has the batch")
		var taken atomic.Int32
		next, err := b.Connect().Subscribe("troupe.call.counter.a.add", func(*nats.Msg) { taken.Add(1) })
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, call(ctx, add, a, 1), troupe.ErrOutcomeUnknown)
		require.Positive(t, taken.Load())

		require.NoError(t, next.Unsubscribe())
		grant()
		require.NoError(t, call(t.Context(), add, a, 1), "it is sent again until somebody owns the actor")
	})
}

// TestLeaseIsProvedAfterReconnecting has a host's connection come back while its lease, by its own clock, still holds:
// somebody may have revoked it, so it is silent until it has renewed it.
func TestLeaseIsProvedAfterReconnecting(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	nc := b.Connect()
	host, err := actorhost.Start(t.Context(), nc, actorhost.Config{Lease: time.Minute, Logger: slog.New(slog.DiscardHandler)}, counters())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, host.Stop(context.Background())) })
	a := troupe.GetOrCreate[counter](b.Client, "a")
	require.NoError(t, call(t.Context(), add, a, 3))
	grant := refuseLeases(t, b)
	require.NoError(t, nc.ForceReconnect())
	require.Eventually(t, func() bool { return nc.Stats().Reconnects == 1 && nc.IsConnected() }, 10*time.Second, time.Millisecond)
	require.NoError(t, nc.Flush()) // the subscriptions are there
	requireRefused(t, b)
	grant()
	got, err := get.Call(t.Context(), a, nil)
	require.NoError(t, err)
	require.Equal(t, 3, got)
}

// TestOnlyCalledActorsMove kills a host with 10,000 actors. The next host wakes those that are called and touches no
// other.
func TestOnlyCalledActorsMove(t *testing.T) {
	t.Parallel()
	const awake, called = 10_000, 10
	b := hosttest.Start(t)
	kind := counters().Config(actorhost.TypeConfig{SleepAfter: time.Hour})
	first := b.Host(kind)
	var calls errgroup.Group
	calls.SetLimit(64)
	for i := range awake {
		calls.Go(func() error { return call(t.Context(), add, troupe.GetOrCreate[counter](b.Client, fmt.Sprint(i)), 1) })
	}
	require.NoError(t, calls.Wait())
	require.Equal(t, awake, first.Active())
	js, err := jetstream.New(b.Connect())
	require.NoError(t, err)
	writes := func() uint64 {
		records, err := js.Stream(t.Context(), "KV_troupe-actors")
		require.NoError(t, err)
		return records.CachedInfo().State.LastSeq
	}
	require.Eventually(t, func() bool { return writes() == 2*awake }, 10*time.Second, 10*time.Millisecond, "claims and changes")
	before := writes()

	second := b.Host(kind)
	b.Kill(first)
	for i := range called {
		got, err := get.Call(t.Context(), troupe.GetOrCreate[counter](b.Client, fmt.Sprint(i)), nil)
		require.NoError(t, err)
		require.Equal(t, 1, got)
	}
	require.Equal(t, called, second.Active())
	require.Equal(t, before+called, writes(), "a claim for each, and nothing else")
}

// TestCallerThatHasWaitedLongFindsTheNextOwner kills a host in the middle of a long action. Its caller, who has heard
// long ago that the call is being served, notices little later than one who calls now.
func TestCallerThatHasWaitedLongFindsTheNextOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const service, killed = 10 * time.Second, 3500 * time.Millisecond
		b := hosttest.Start(t)
		first := b.Host(counters())
		a := troupe.GetOrCreate[counter](b.Client, "a")
		require.NoError(t, call(t.Context(), add, a, 3))
		b.Host(counters())
		time.AfterFunc(killed, func() { b.Kill(first) })
		began := time.Now()
		require.NoError(t, call(t.Context(), slow, a, service))
		require.Less(t, time.Since(began), killed+service+250*time.Millisecond)
		got, err := get.Call(t.Context(), a, nil)
		require.NoError(t, err)
		require.Equal(t, 4, got)
	})
}
