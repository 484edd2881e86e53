package client_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

// A beacon flashes, and counts its flashes.
type beacon struct{ troupe.Ref }

func (beacon) ActorType() string { return "beacon" }

var (
	flash   = troupe.NewAction[beacon, int, troupe.None]("flash")
	wink    = troupe.NewAction[beacon, int, troupe.None]("wink") // to each connection alone
	aboard  = troupe.NewConnector[beacon, troupe.None]()
	wreck   = troupe.NewAction[beacon, troupe.None, troupe.None]("wreck")
	flashed = troupe.NewEvent[beacon, int]("flashed")
	turned  = troupe.NewEvent[beacon, int]("turned") // after each flash
)

type beaconState struct{ Flashes int }

var beacons = actorhost.Define(func() beaconState { return beaconState{} },
	actorhost.On(flash, actorhost.NoOut(func(s *beaconState, c *actorhost.Context, n int) error {
		for range n {
			s.Flashes++
			if err := errors.Join(flashed.Broadcast(c, s.Flashes), turned.Broadcast(c, -s.Flashes)); err != nil {
				return err
			}
		}
		return nil
	})),
	actorhost.On(wink, actorhost.NoOut(func(_ *beaconState, c *actorhost.Context, n int) error {
		for _, conn := range c.Connections() {
			for i := range n {
				if err := flashed.Send(c, conn, 1000+i); err != nil {
					return err
				}
			}
		}
		return nil
	})),
	actorhost.On(wreck, actorhost.NoInOut(func(_ *beaconState, c *actorhost.Context) error { c.Destroy(); return nil })))

// cable is a connection that can be cut. It comes back when it is mended.
type cable struct {
	provider nats.InProcessConnProvider

	mu   sync.Mutex
	cut  bool
	conn net.Conn
}

func (c *cable) InProcessConn() (net.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut {
		return nil, errors.New("the cable is cut")
	}
	conn, err := c.provider.InProcessConn()
	c.conn = conn
	return conn, err
}

func (c *cable) set(cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = cut
	if cut {
		_ = c.conn.Close()
	}
}

// sea is a bus with a host of beacons, a client that is there to the end, and one on a cable.
type sea struct {
	t        *testing.T
	near     *client.Client
	far      *client.Client
	nc       *nats.Conn // of the far one
	cable    *cable
	complain *strings.Builder
}

func newSea(t *testing.T, options ...client.Option) *sea {
	t.Helper()
	server, err := bus.StartServer(bus.ServerOptions{Memory: true, InProcessOnly: true})
	require.NoError(t, err)
	t.Cleanup(server.Shutdown)
	connect := func() *nats.Conn {
		nc, err := server.Connect(bus.Options{})
		require.NoError(t, err)
		t.Cleanup(nc.Close)
		return nc
	}
	host, err := actorhost.Start(t.Context(), connect(), actorhost.Config{}, beacons)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, host.Stop(context.Background())) })
	s := &sea{t: t, cable: &cable{provider: server.InProcess()}, complain: &strings.Builder{}}
	s.near, err = client.New(connect())
	require.NoError(t, err)
	s.nc, err = nats.Connect("", nats.InProcessServer(s.cable), nats.MaxReconnects(-1), nats.ReconnectWait(time.Millisecond),
		nats.ReconnectBufSize(-1))
	require.NoError(t, err)
	t.Cleanup(s.nc.Close)
	options = append(options, client.WithLogger(slog.New(slog.NewTextHandler(s.complain, nil))))
	s.far, err = client.New(s.nc, options...)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, s.near.Close(context.Background()))
		require.NoError(t, s.far.Close(context.Background()))
	})
	return s
}

// flash has a beacon flash so often.
func (s *sea) flash(key string, n int) {
	s.t.Helper()
	_, err := flash.Call(s.t.Context(), troupe.GetOrCreate[beacon](s.near, key), n)
	require.NoError(s.t, err)
}

func (s *sea) wreck(key string) {
	s.t.Helper()
	_, err := wreck.Call(s.t.Context(), troupe.GetOrCreate[beacon](s.near, key), nil)
	require.NoError(s.t, err)
}

// cut cuts the cable once all that was broadcast has arrived.
func (s *sea) cut() {
	require.NoError(s.t, s.nc.Flush())
	s.cable.set(true)
	require.Eventually(s.t, s.nc.IsReconnecting, 10*time.Second, time.Millisecond)
}

func (s *sea) mend() {
	s.cable.set(false)
	require.Eventually(s.t, s.nc.IsConnected, 10*time.Second, time.Millisecond)
}

// log is what a subscription is told, in order: "1", or "gap 1-5" for what is missing between the sequences 1 and 5.
type log chan string

func (l log) hear(_ context.Context, n int) error {
	l <- fmt.Sprint(n)
	return nil
}

func (l log) gap(_ context.Context, gap troupe.Gap) error {
	l <- fmt.Sprintf("gap %d-%d", gap.After.Sequence, gap.Before.Sequence)
	return nil
}

func (l log) expect(t *testing.T, want ...string) {
	t.Helper()
	for i, want := range want {
		select {
		case got := <-l:
			require.Equal(t, want, got, "number %d", i)
		case <-time.After(20 * time.Second):
			require.FailNow(t, "nothing was told", "instead of %q", want)
		}
	}
}

func (s *sea) listen(key string, options ...troupe.SubscribeOption) log {
	s.t.Helper()
	l := make(log, 1000)
	_, err := flashed.Subscribe(s.t.Context(), troupe.GetOrCreate[beacon](s.far, key), l.hear, append(options, troupe.OnGap(l.gap))...)
	require.NoError(s.t, err)
	return l
}

func TestGapIsToldWithoutALaterEvent(t *testing.T) {
	t.Parallel()
	s := newSea(t)
	l, quiet, deaf := s.listen("a"), s.listen("b"), s.listen("c")
	s.flash("a", 2)
	s.flash("b", 2)
	l.expect(t, "1", "2")
	quiet.expect(t, "1", "2")
	s.cut()
	s.flash("a", 3)
	s.flash("c", 4) // which it has never heard
	s.mend()
	l.expect(t, "gap 2-6")
	deaf.expect(t, "gap 0-5")
	s.flash("a", 1)
	s.flash("b", 1)
	s.flash("c", 1)
	l.expect(t, "6")
	deaf.expect(t, "5")
	quiet.expect(t, "3")
}

func TestGapIsToldByTheNextEvent(t *testing.T) {
	t.Parallel()
	s := newSea(t)
	l := s.listen("a")
	s.flash("a", 2)
	l.expect(t, "1", "2")
	for range 2 {
		s.cut()
		s.flash("a", 3)
		s.mend()
		s.flash("a", 1)
	}
	l.expect(t, "gap 2-6", "6", "gap 6-10", "10")
	s.cut()
	s.mend()
	s.flash("b", 1)
	s.flash("a", 1)
	l.expect(t, "11")
}

func TestGapOfAnActorThatWasDestroyed(t *testing.T) {
	t.Parallel()
	s := newSea(t)
	gone, other, never := s.listen("gone"), s.listen("other"), s.listen("never")
	s.flash("gone", 2)
	s.flash("other", 2)
	gone.expect(t, "1", "2")
	other.expect(t, "1", "2")
	s.cut()
	s.flash("gone", 3)
	s.wreck("gone")
	s.wreck("other")
	s.flash("other", 2) // of another life, with the same sequences
	s.mend()
	s.flash("other", 1)
	gone.expect(t, "gap 2-1")
	other.expect(t, "gap 2-3", "3")
	s.flash("gone", 1)
	gone.expect(t, "1")
	s.flash("never", 1)
	never.expect(t, "1")
}

func TestGapOfManyActors(t *testing.T) {
	t.Parallel()
	s := newSea(t)
	l := make(log, 100)
	_, err := flashed.SubscribeAll(t.Context(), s.far, troupe.Keys{}, l.hear, troupe.OnGap(func(ctx context.Context, gap troupe.Gap) error {
		l <- "of " + gap.Actor.KeyString()
		return l.gap(ctx, gap)
	}))
	require.NoError(t, err)
	s.flash("a", 2)
	s.flash("b", 1)
	l.expect(t, "1", "2", "1")
	s.cut()
	s.flash("a", 1)
	s.mend()
	l.expect(t, "of ", "gap 0-0") // which actors were missed, nobody knows
	s.flash("b", 1)
	s.flash("a", 1)
	l.expect(t, "2", "of a", "gap 2-4", "4")
}

func TestGapsAreLoggedWhenNobodyWantsToKnow(t *testing.T) {
	t.Parallel()
	s := newSea(t)
	l := make(log, 100)
	_, err := flashed.Subscribe(t.Context(), troupe.GetOrCreate[beacon](s.far, "a"), l.hear)
	require.NoError(t, err)
	s.flash("a", 1)
	l.expect(t, "1")
	s.cut()
	s.flash("a", 3)
	s.mend()
	s.flash("a", 1)
	l.expect(t, "5")
	require.NoError(t, s.far.Close(t.Context()))
	require.Contains(t, s.complain.String(), "3 of flashed of beacon/a, after 1")
}

// What waits in the queue has arrived: it is no gap, whatever the last event is.
func TestReconnectTakesNothingFromASlowSubscriber(t *testing.T) {
	t.Parallel()
	s := newSea(t)
	l, goOn := make(log), make(chan struct{})
	_, err := flashed.Subscribe(t.Context(), troupe.GetOrCreate[beacon](s.far, "a"), func(ctx context.Context, n int) error {
		<-goOn
		return l.hear(ctx, n)
	}, troupe.OnGap(l.gap))
	require.NoError(t, err)
	other := s.listen("b")
	s.flash("b", 1)
	other.expect(t, "1")
	s.flash("a", 5)
	s.cut()
	s.flash("b", 1)
	s.mend()
	other.expect(t, "gap 1-3") // so the slow one has been asked about by now, too
	close(goOn)
	l.expect(t, "1", "2", "3", "4", "5")
	s.flash("a", 1)
	l.expect(t, "6")
}

func TestSlowSubscriberIsToldWhatItMisses(t *testing.T) {
	t.Parallel()
	s := newSea(t, client.WithQueue(10))
	l, begun, goOn := make(log, 100), make(chan struct{}, 100), make(chan struct{})
	_, err := flashed.SubscribeAll(t.Context(), s.far, troupe.Keys{}, func(ctx context.Context, n int) error {
		begun <- struct{}{}
		<-goOn
		return l.hear(ctx, n)
	}, troupe.OnGap(l.gap))
	require.NoError(t, err)
	fast := make(log, 100)
	_, err = flashed.Subscribe(t.Context(), troupe.GetOrCreate[beacon](s.near, "a"), fast.hear, troupe.OnGap(fast.gap))
	require.NoError(t, err)
	s.flash("a", 1)
	<-begun
	s.flash("a", 99) // the actor does not wait for anybody
	s.flash("b", 1)
	for n := 1; n <= 100; n++ {
		fast.expect(t, fmt.Sprint(n))
	}
	require.NoError(t, s.nc.Flush())
	s.listen("c") // begins when all that has arrived is handed out
	close(goOn)
	l.expect(t, "1", "2", "3", "4", "5", "6", "7", "8", "9", "10")
	told := []string{<-l, <-l}
	require.ElementsMatch(t, []string{"gap 10-101", "gap 0-2"}, told)
	s.flash("a", 1)
	l.expect(t, "101")
}

func TestOneOfManySubscriptionsToOneEvent(t *testing.T) {
	t.Parallel()
	s := newSea(t)
	ref := troupe.GetOrCreate[beacon](s.far, "a")
	first := s.listen("a")
	s.flash("a", 1)
	l := make(log, 10)
	second, err := flashed.Subscribe(t.Context(), ref, l.hear)
	require.NoError(t, err)
	third := s.listen("a")
	once := s.listen("a", troupe.Once())
	s.flash("a", 2)
	first.expect(t, "1", "2", "3")
	l.expect(t, "2", "3")
	third.expect(t, "2", "3")
	once.expect(t, "2")
	require.NoError(t, second.Unsubscribe())
	require.NoError(t, second.Unsubscribe())
	s.flash("a", 1)
	first.expect(t, "4")
	third.expect(t, "4")
	require.Empty(t, l, "it has unsubscribed")
	require.Empty(t, once)
	require.Equal(t, uint64(1), uint64(s.nc.NumSubscriptions()-1), "all of them share one of NATS, beside that for replies")
}

func TestHandlerCanUnsubscribeAndSubscribe(t *testing.T) {
	t.Parallel()
	s := newSea(t)
	ref := troupe.GetOrCreate[beacon](s.far, "a")
	l := make(log, 10)
	subs := make(chan troupe.Subscription, 1)
	sub, err := flashed.Subscribe(t.Context(), ref, func(ctx context.Context, n int) error {
		_, err := flashed.Subscribe(ctx, ref, l.hear)
		return errors.Join(err, (<-subs).Unsubscribe())
	})
	require.NoError(t, err)
	subs <- sub
	s.flash("a", 1)
	require.Eventually(t, func() bool {
		s.flash("a", 1)
		return len(l) > 0
	}, 10*time.Second, time.Millisecond)
}

func TestDuplicatesAndTheOutdatedAreDropped(t *testing.T) {
	t.Parallel()
	s := newSea(t)
	l := s.listen("a")
	for i, at := range []string{"7.1", "7.2", "7.2", "7.1", "6.9", "7.3", "", "nonsense", "9.4.7", "8.5", "9.5", "12.1", "9.6", "15.2.12", "18.3.16"} {
		msg := &nats.Msg{Subject: "troupe.event.beacon.a.flashed", Data: []byte(fmt.Sprint(i)), Header: nats.Header{
			"Troupe-Event": {at}, "Content-Type": {"application/json"},
		}}
		require.NoError(t, s.nc.PublishMsg(msg))
	}
	// An event without a position, as others may publish, is always heard.
	l.expect(t, "0", "1", "5", "6", "7", "8", "10", "gap 5-1", "11", "13", "gap 2-3", "14")
}

func TestCloseDoesNotWaitForHandlersForEver(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, beacons)
	cl, err := client.New(b.Connect())
	require.NoError(t, err)
	begun, goOn := make(chan struct{}), make(chan struct{})
	ref := troupe.GetOrCreate[beacon](cl, "a")
	_, err = flashed.Subscribe(t.Context(), ref, func(ctx context.Context, _ int) error {
		close(begun)
		<-goOn
		return ctx.Err()
	})
	require.NoError(t, err)
	_, err = flash.Call(t.Context(), ref, 3)
	require.NoError(t, err)
	<-begun
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, cl.Close(ctx), context.Canceled)
	close(goOn)
	_, err = client.New(b.Connect(), client.WithQueue(0))
	require.ErrorContains(t, err, "not positive")
}
