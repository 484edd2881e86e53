package actorhost_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// recordsOf opens the records on a bus.
func recordsOf(t *testing.T, b *hosttest.Bus) *store.Records {
	t.Helper()
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	records, err := store.OpenRecords(t.Context(), b.Connect(), ns, store.Settings{})
	require.NoError(t, err)
	return records
}

// hearTower hears all events of bell/tower.
func hearTower(t *testing.T, b *hosttest.Bus) (next func() int) {
	t.Helper()
	nc := b.Connect()
	sub, err := nc.SubscribeSync("troupe.event.bell.tower.rang")
	require.NoError(t, err)
	require.NoError(t, nc.Flush())
	return func() (n int) {
		msg, err := sub.NextMsg(10 * time.Second)
		require.NoError(t, err)
		require.NoError(t, codec.MsgPack.Unmarshal(msg.Data, &n))
		return n
	}
}

func TestTurnsShareWrites(t *testing.T) {
	t.Parallel()
	const turns = 1000
	b := hosttest.Start(t, counters())
	a := troupe.GetOrCreate[counter](b.Client, "a")
	require.NoError(t, call(t.Context(), add, a, 1))
	before := recordOf(t, b, a).Revision
	var calls errgroup.Group
	for range turns {
		calls.Go(func() error { return call(t.Context(), add, a, 1) })
	}
	require.NoError(t, calls.Wait())
	writes := recordOf(t, b, a).Revision - before
	require.Less(t, writes, uint64(turns))
	t.Log(turns, "turns,", writes, "writes")
}

// TestEventsLeaveInOrderAfterTheWrite has many turns under way: what each has broadcast comes in the order of the
// turns, when the state that it tells of is stored.
func TestEventsLeaveInOrderAfterTheWrite(t *testing.T) {
	t.Parallel()
	const turns = 300
	b := hosttest.Start(t, bellAndEar...)
	records := recordsOf(t, b)
	next := hearTower(t, b)
	tower := troupe.GetOrCreate[bell](b.Client, "tower")
	var calls errgroup.Group
	for i := range turns {
		calls.Go(func() error { return call(t.Context(), ring, tower, i%3) }) // a third of them change nothing
	}
	for want := 1; want <= turns; want++ {
		require.Equal(t, want, next())
		if want%10 == 0 {
			record, err := records.Get(t.Context(), tower.ID())
			require.NoError(t, err)
			var stored bellState
			require.NoError(t, codec.MsgPack.Unmarshal(record.State, &stored))
			require.GreaterOrEqual(t, stored.Rings, want)
		}
	}
	require.NoError(t, calls.Wait())
}

// TestWhatIsNotStoredIsNotBroadcast takes an actor away from its host, which finds out when its next write is refused.
func TestWhatIsNotStoredIsNotBroadcast(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, bellAndEar...)
	records := recordsOf(t, b)
	next := hearTower(t, b)
	tower := troupe.GetOrCreate[bell](b.Client, "tower")
	require.NoError(t, call(t.Context(), ring, tower, 1))
	record, err := records.Get(t.Context(), tower.ID())
	require.NoError(t, err)
	record.Owner = "somebody-gone"
	_, err = records.Put(t.Context(), tower.ID(), record)
	require.NoError(t, err)

	for range 2 { // the first of which runs twice, and has an effect once
		require.NoError(t, call(t.Context(), ring, tower, 1))
	}
	for want := 1; want <= 3; want++ {
		require.Equal(t, want, next())
	}
}

// TestNoLeaseNoEvent has an action that only broadcasts end when its host has no lease any more, and another host may
// own the actor.
func TestNoLeaseNoEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const lease = 3 * time.Second
		announce := troupe.NewAction[bell, time.Duration, troupe.None]("announce")
		kind := actorhost.Define(func() bellState { return bellState{} },
			actorhost.On(announce, actorhost.NoOut(func(s *bellState, c *actorhost.Context, after time.Duration) error {
				<-time.After(after)
				return rang.Broadcast(c, int(after.Seconds()))
			})))
		b := hosttest.Start(t)
		b.HostWith(actorhost.Config{Lease: lease}, kind)
		next := hearTower(t, b)
		tower := troupe.GetOrCreate[bell](b.Client, "tower")
		require.NoError(t, call(t.Context(), announce, tower, 0))
		grant := refuseLeases(t, b)
		ctx, cancel := context.WithTimeout(t.Context(), 2*lease+time.Second)
		defer cancel()
		require.Error(t, call(ctx, announce, tower, 2*lease))
		grant()
		require.NoError(t, call(t.Context(), announce, tower, time.Second))
		require.Equal(t, 0, next())
		require.Equal(t, 1, next())
	})
}
