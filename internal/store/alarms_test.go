package store_test

import (
	"context"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// alarms are those of a namespace, with what a test needs of them.
type alarms struct {
	*store.Alarms
	t *testing.T
}

func openAlarms(t *testing.T, nc *nats.Conn) alarms {
	t.Helper()
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	records, err := store.OpenRecords(t.Context(), nc, ns, store.Settings{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, records.Close()) })
	a := store.NewAlarms(nc, ns, records, store.Settings{})
	require.NoError(t, a.Open(t.Context()))
	return alarms{a, t}
}

// set sets an alarm, and returns the one that stands.
func (a alarms) set(id troupe.ID, at time.Time, known record.Alarm) record.Alarm {
	a.t.Helper()
	return a.setAfter(id, at, known, record.Alarm{})
}

// setAfter is set for one who has heard an alarm ring.
func (a alarms) setAfter(id troupe.ID, at time.Time, known, rang record.Alarm) record.Alarm {
	a.t.Helper()
	type result struct {
		record.Alarm
		error
	}
	results := make(chan result, 1)
	a.Set(a.t.Context(), id, at.UnixMilli(), known, rang, func(f func()) { go f() },
		func(stands record.Alarm, err error) { results <- result{stands, err} })
	r := <-results
	require.NoError(a.t, r.error)
	return r.Alarm
}

func (a alarms) rings(actorType string) *store.Feed {
	a.t.Helper()
	feed, err := a.Rings(a.t.Context(), actorType, time.Second, 8, func(error) {})
	require.NoError(a.t, err)
	a.t.Cleanup(func() {
		feed.Stop()
		for ended := false; !ended; {
			_, ok := feed.Next()
			ended = !ok
		}
	})
	return feed
}

func next(t *testing.T, feed *store.Feed) store.Fed {
	t.Helper()
	ring, ok := feed.Next()
	require.True(t, ok)
	return ring
}

func TestAlarmRingsBeforeItIsDueAndUntilItIsAcked(t *testing.T) {
	t.Parallel()
	a := openAlarms(t, bustest.Connect(t))
	feed := a.rings("cart")
	cart, due := bustest.NewID(t, "cart", "org1", "7"), a.Now().Add(700*time.Millisecond)
	stands := a.set(cart, due, record.Alarm{})
	require.Equal(t, due.UnixMilli(), stands.At)
	ring := next(t, feed)
	require.Less(t, a.Now(), due.Add(200*time.Millisecond))
	require.Equal(t, cart, ring.Actor)
	require.Equal(t, strconv.FormatInt(due.UnixMilli(), 10), string(ring.Data))
	again := next(t, feed)
	require.Equal(t, uint64(2), again.Delivered, "it was not acked")
	again.Ack()

	only := bustest.NewID(t, "cart") // a key may be empty
	a.set(only, a.Now().Add(-time.Hour), record.Alarm{})
	ring = next(t, feed)
	require.Equal(t, only, ring.Actor)
	ring.Ack()
}

// TestAlarmThatHasRungDoesNotStand, though the server shows it for a moment longer. Another one with its time does.
func TestAlarmThatHasRungDoesNotStand(t *testing.T) {
	t.Parallel()
	a := openAlarms(t, bustest.Connect(t))
	cart, now := bustest.NewID(t, "cart", "7"), a.Now()
	rung := a.set(cart, now.Add(time.Hour), record.Alarm{})
	later := now.Add(2 * time.Hour)
	after := func(at int64, sequence uint64) record.Alarm {
		return a.setAfter(cart, later, record.Alarm{}, record.Alarm{At: at, Sequence: sequence})
	}
	require.Equal(t, rung, after(rung.At, rung.Sequence), "it was set after that ring")
	require.Equal(t, rung, after(rung.At-1, rung.Sequence+1), "another has rung")
	next := after(rung.At, rung.Sequence+1)
	require.Equal(t, later.UnixMilli(), next.At)
	require.Greater(t, next.Sequence, rung.Sequence)
}

// Whoever sets an alarm, and whatever he believes, makes it earlier and never later.
func TestAlarmBecomesEarlierOnly(t *testing.T) {
	t.Parallel()
	a := openAlarms(t, bustest.Connect(t))
	cart, now := bustest.NewID(t, "cart", "7"), a.Now()
	first := a.set(cart, now.Add(time.Hour), record.Alarm{})
	require.Equal(t, first, a.set(cart, now.Add(2*time.Hour), record.Alarm{}), "the earlier one stays, for one who knows of none")
	require.Equal(t, first, a.set(cart, now.Add(2*time.Hour), record.Alarm{Sequence: 99}), "and for one who is mistaken")
	earlier := a.set(cart, now.Add(time.Minute), first)
	require.Equal(t, now.Add(time.Minute).UnixMilli(), earlier.At)
	require.Equal(t, earlier, a.set(cart, now.Add(time.Hour), first), "for one whose alarm is over")
	earliest := a.set(cart, now.Add(time.Second), first)
	require.Equal(t, now.Add(time.Second).UnixMilli(), earliest.At, "one who is mistaken may make it earlier")

	ring := next(t, a.rings("cart"))
	require.Equal(t, strconv.FormatInt(earliest.At, 10), string(ring.Data))
	after := a.set(cart, now.Add(time.Hour), earliest)
	require.Equal(t, now.Add(time.Hour).UnixMilli(), after.At, "what has rung stands no more")
	ring.Ack()
}

// The stream of another host is found, and what is not as it must be is refused.
func TestAlarmsAreFoundAndChecked(t *testing.T) {
	t.Parallel()
	nc := bustest.Connect(t)
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	later := store.NewAlarms(nc, ns, nil, store.Settings{})
	_, err = later.Check(t.Context())
	require.NoError(t, err)
	select {
	case <-later.Opened():
		t.Fatal("there is none yet")
	default:
	}
	openAlarms(t, nc)
	_, err = later.Check(t.Context())
	require.NoError(t, err)
	<-later.Opened()
	require.Less(t, later.Skew().Abs(), time.Second)

	js, err := jetstream.New(nc)
	require.NoError(t, err)
	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "other-due", Subjects: []string{"other.alarm.>", "other.due.>"}})
	require.NoError(t, err)
	other, err := wire.NewNamespace("other")
	require.NoError(t, err)
	err = store.NewAlarms(nc, other, nil, store.Settings{}).Open(context.WithoutCancel(t.Context()))
	require.ErrorContains(t, err, "retention is limits, it must be workqueue")
	require.ErrorContains(t, err, "allow_msg_schedules is false, it must be true")
}

// slowly is a connection on which what is sent to the server is under way for a while.
type slowly struct{ net.Conn }

func (c slowly) Write(b []byte) (int, error) {
	time.Sleep(30 * time.Millisecond) //nolint:forbidigo // it is what the test is about
	return c.Conn.Write(b)
}

type slowDialer struct{}

func (slowDialer) Dial(network, address string) (net.Conn, error) {
	conn, err := net.Dial(network, address)
	return slowly{conn}, err
}

// A question about the time may be under way for long: nobody must take the clock of the server to be ahead for that.
func TestClockIsNotAhead(t *testing.T) {
	t.Parallel()
	nc, err := nats.Connect(bustest.Serve(t, &server.Options{JetStream: true, StoreDir: t.TempDir()}).ClientURL(), nats.SetCustomDialer(slowDialer{}))
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	require.Less(t, -openAlarms(t, nc).Skew(), 5*time.Millisecond)
}

// A server that has no room for a ring does not try again: who looks after alarms does.
func TestStuckAlarmRings(t *testing.T) {
	t.Parallel()
	srv := bustest.Serve(t, &server.Options{JetStream: true, StoreDir: t.TempDir()})
	nc, err := nats.Connect(srv.ClientURL())
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	a := openAlarms(t, nc)
	feed := a.rings("cart")
	account := srv.GlobalAccount()
	room := func(bytes int64) {
		require.NoError(t, account.UpdateJetStreamLimits(map[string]server.JetStreamAccountLimits{"": {
			MaxMemory: -1, MaxStore: bytes, MaxStreams: -1, MaxConsumers: -1, MaxAckPending: -1, MemoryMaxStreamBytes: -1, StoreMaxStreamBytes: -1,
		}}))
	}
	cart, later := bustest.NewID(t, "cart", "7"), bustest.NewID(t, "cart", "8")
	at := a.Now().Add(time.Second).Truncate(time.Millisecond)
	a.set(cart, at, record.Alarm{})
	a.set(later, a.Now().Add(time.Hour), record.Alarm{})
	room(int64(account.JetStreamUsage().Store))
	time.Sleep(2 * time.Second) //nolint:forbidigo // the server says to nobody that it has no room for a ring
	room(-1)
	time.Sleep(5 * time.Second) //nolint:forbidigo // nor does it say that the alarm is stuck
	rung := 0
	require.Eventually(t, func() bool {
		n, err := a.RingStuck(t.Context())
		require.NoError(t, err)
		rung += n
		return rung > 0
	}, time.Minute, 100*time.Millisecond)
	require.Equal(t, 1, rung)
	fed, ok := feed.Next()
	require.True(t, ok)
	require.Equal(t, cart, fed.Actor)
	require.Equal(t, at.UnixMilli(), wire.ParseAlarmBody(fed.Data))
	fed.Ack()
}
