package client_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client"
)

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
	_, err := flashed.SubscribeAll(t.Context(), troupe.All[beacon](s.far), l.hear, troupe.OnGap(func(ctx context.Context, gap troupe.Gap) error {
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
	s := newSeaWith(t, client.Config{EventQueue: 10})
	l, begun, goOn := make(log, 100), make(chan struct{}, 100), make(chan struct{})
	_, err := flashed.SubscribeAll(t.Context(), troupe.All[beacon](s.far), func(ctx context.Context, n int) error {
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
	figures := make(map[string]float64)
	for one := range s.far.Figures() {
		figures[one.Name] = one.Value
	}
	require.Equal(t, map[string]float64{"troupe.calls.resent": 0, "troupe.events.dropped": 91}, figures)
	require.Zero(t, s.near.Dropped())
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
	require.Equal(t, 1+2, s.nc.NumSubscriptions(), "all of them share one of NATS, beside those for replies and for word of hosts")
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
	cl, err := client.New(b.Connect(), client.Config{})
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
}

// All are asked about at once, and more than hosts look up at a time.
func TestGapsOfManySubscriptions(t *testing.T) {
	t.Parallel()
	s := newSea(t)
	const n = 300
	logs := make([]log, n)
	for i := range logs {
		logs[i] = s.listen(fmt.Sprint(i))
		s.flash(fmt.Sprint(i), 1)
	}
	for _, l := range logs {
		l.expect(t, "1")
	}
	s.cut()
	for i := range logs {
		s.flash(fmt.Sprint(i), 2)
	}
	s.mend()
	for _, l := range logs {
		l.expect(t, "gap 1-4")
	}
}

func TestCloseWithinAHandlerIsRefused(t *testing.T) {
	t.Parallel()
	s := newSea(t)
	refused := make(chan error, 2)
	_, err := flashed.Subscribe(t.Context(), troupe.GetOrCreate[beacon](s.far, "a"), func(ctx context.Context, _ int) error {
		within, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		refused <- s.far.Close(within)
		return nil
	})
	require.NoError(t, err)
	for range 2 { // it goes on
		s.flash("a", 1)
		require.ErrorIs(t, <-refused, troupe.ErrBadInput)
	}
}
