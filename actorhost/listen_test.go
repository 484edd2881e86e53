package actorhost_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/wire"
)

// A door is in a house, on a floor; a porter listens to doors as its test says.
type door struct{ troupe.Ref }

func (door) ActorType() string { return "door" }

type porter struct{ troupe.Ref }

func (porter) ActorType() string { return "porter" }

var (
	openDoor = troupe.NewAction[door, int, int]("open") // fails for a number below zero
	opened   = troupe.NewEvent[door, int]("opened")
	closed   = troupe.NewEvent[door, int]("closed")
	listen   = troupe.NewAction[porter, string, troupe.None]("listen")
	noted    = troupe.NewAction[porter, troupe.None, []string]("noted")
)

type doorState struct{ Opened int }

func (s *doorState) open(c *actorhost.Context, n int) (int, error) {
	for range max(n, -n) {
		s.Opened++
		if err := errors.Join(opened.Broadcast(c, s.Opened), closed.Broadcast(c, -s.Opened)); err != nil {
			return 0, err
		}
	}
	return s.Opened, refuse(n < 0)
}

type porterState struct {
	Noted []string
	subs  []troupe.Subscription `json:"-"`
}

func (s *porterState) note(ctx context.Context, n int) error {
	d, ok := troupe.DeliveryOf(ctx)
	c, inTurn := actorhost.FromContext(ctx)
	if !ok || !inTurn || c.Type() != "porter" {
		return errors.New("not in a turn")
	}
	s.Noted = append(s.Noted, fmt.Sprintf("%s %d", d.Actor.KeyString(), n))
	return nil
}

func (s *porterState) noteGap(ctx context.Context, gap troupe.Gap) error {
	if _, inTurn := actorhost.FromContext(ctx); !inTurn {
		return errors.New("not in a turn")
	}
	s.Noted = append(s.Noted, fmt.Sprintf("gap %d-%d", gap.After.Sequence, gap.Before.Sequence))
	return nil
}

// listen listens as it is told, through c.
func (s *porterState) listen(c *actorhost.Context, how string) (err error) {
	var sub troupe.Subscription
	one := troupe.GetOrCreate[door](c, "a", "1", "x")
	gap := troupe.OnGap(s.noteGap)
	switch how {
	case "one":
		sub, err = opened.Subscribe(c, one, s.note, gap)
	case "one once":
		sub, err = opened.Subscribe(c, one, s.note, gap, troupe.Once())
	case "one loudly":
		sub, err = opened.Subscribe(c, one, func(ctx context.Context, n int) error { return s.note(ctx, 1000+n) }, gap)
	case "one deaf to gaps":
		sub, err = opened.Subscribe(c, one, s.note)
	case "nothing":
		for _, sub := range s.subs {
			err = errors.Join(err, sub.Unsubscribe())
		}
		s.subs = nil
		return err
	default:
		sub, err = opened.SubscribeAll(c, selections[how](c), s.note, gap)
	}
	s.subs = append(s.subs, sub)
	return err
}

var selections = map[string]func(troupe.Caller) troupe.Group[door]{
	"all":               func(c troupe.Caller) troupe.Group[door] { return troupe.All[door](c) },
	"house a":           func(c troupe.Caller) troupe.Group[door] { return troupe.All[door](c, "a") },
	"doors of floor a1": func(c troupe.Caller) troupe.Group[door] { return troupe.All[door](c, "a", "1").Exactly(1) },
	"doors of house a":  func(c troupe.Caller) troupe.Group[door] { return troupe.All[door](c, "a").Exactly(2) },
	"floors":            func(c troupe.Caller) troupe.Group[door] { return troupe.All[door](c).Exactly(2) },
	"door a1x":          func(c troupe.Caller) troupe.Group[door] { return troupe.All[door](c, "a", "1", "x").Exactly(0) },
}

var doorsAndPorters = []actorhost.Definition{
	actorhost.Define(func() doorState { return doorState{} }, actorhost.On(openDoor, (*doorState).open)),
	actorhost.Define(func() porterState { return porterState{} },
		actorhost.On(listen, actorhost.NoOut((*porterState).listen)),
		actorhost.On(noted, actorhost.NoIn(func(s *porterState, _ *actorhost.Context) ([]string, error) { return s.Noted, nil }))),
}

func openDoors(t *testing.T, c troupe.Caller, n int, keys ...[]string) {
	t.Helper()
	for _, key := range keys {
		require.NoError(t, call(t.Context(), openDoor, troupe.GetOrCreate[door](c, key...), n))
	}
}

// awaitNoted waits until a porter has noted as much as is wanted, and checks it.
func awaitNoted(t *testing.T, c troupe.Caller, key string, want ...string) {
	t.Helper()
	var got []string
	require.Eventually(t, func() (enough bool) {
		var err error
		got, err = noted.Call(t.Context(), troupe.GetOrCreate[porter](c, key), nil)
		require.NoError(t, err)
		return len(got) >= len(want)
	}, 20*time.Second, time.Millisecond)
	require.Equal(t, append([]string{}, want...), got)
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	b.Host(doorsAndPorters...)
	b.Host(doorsAndPorters...)
	keys := [][]string{nil, {"a"}, {"a", "1"}, {"a", "1", "x"}, {"a", "2", "x"}, {"b", "1", "x"}, {"a*", "1"}, {"a", "", ">", "."}}
	wanted := map[string][]string{
		"all":               {"", "a", "a/1", "a/1/x", "a/2/x", "b/1/x", "a=2A/1", "a/=/=3E/=2E"},
		"house a":           {"a", "a/1", "a/1/x", "a/2/x", "a/=/=3E/=2E"},
		"doors of floor a1": {"a/1/x"},
		"doors of house a":  {"a/1/x", "a/2/x"},
		"floors":            {"a/1", "a=2A/1"},
		"door a1x":          {"a/1/x"},
	}
	program := make(map[string]chan string)
	for how, doors := range selections {
		got := make(chan string, 100)
		program[how] = got
		_, err := opened.SubscribeAll(t.Context(), doors(b.Client), func(ctx context.Context, n int) error {
			d, _ := troupe.DeliveryOf(ctx)
			got <- fmt.Sprintf("%s %d", d.Actor.KeyString(), n)
			return nil
		})
		require.NoError(t, err)
		require.NoError(t, call(t.Context(), listen, troupe.GetOrCreate[porter](b.Client, how), how))
	}
	openDoors(t, b.Client, 2, keys...)
	for how, keys := range wanted {
		var want, got []string
		for _, key := range keys {
			want = append(want, key+" 1", key+" 2")
		}
		for range want {
			got = append(got, <-program[how])
		}
		require.ElementsMatch(t, want, got, "a program that listens to %s", how)
		require.Empty(t, program[how], "a program that listens to %s", how)
		require.Eventually(t, func() bool {
			all, err := noted.Call(t.Context(), troupe.GetOrCreate[porter](b.Client, how), nil)
			require.NoError(t, err)
			got = all
			return len(got) >= len(want)
		}, 20*time.Second, time.Millisecond)
		require.ElementsMatch(t, want, got, "an actor that listens to %s", how)
		for _, key := range keys {
			require.Less(t, slices.Index(got, key+" 1"), slices.Index(got, key+" 2"), "the events of each are in order")
		}
	}
	for text, wrong := range map[string]troupe.Group[door]{
		"at most 16":    troupe.All[door](b.Client, "a").Exactly(16),
		"parts already": troupe.All[door](b.Client, "a").Exactly(2).Exactly(1),
		"no caller":     {},
	} {
		_, err := opened.SubscribeAll(t.Context(), wrong, nil)
		require.ErrorIs(t, err, troupe.ErrBadInput)
		require.ErrorContains(t, err, text)
	}
}

func TestActorSubscribesOnceAndAgain(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, doorsAndPorters...)
	p := troupe.GetOrCreate[porter](b.Client, "p")
	key := []string{"a", "1", "x"}
	require.NoError(t, call(t.Context(), listen, p, "one once"))
	openDoors(t, b.Client, 3, key)
	awaitNoted(t, b.Client, "p", "a/1/x 1")
	require.NoError(t, call(t.Context(), listen, p, "one once"))
	require.NoError(t, call(t.Context(), listen, p, "one"), "which replaces the one that would have ended with the next event")
	openDoors(t, b.Client, 2, key)
	awaitNoted(t, b.Client, "p", "a/1/x 1", "a/1/x 4", "a/1/x 5")
	require.NoError(t, call(t.Context(), listen, p, "one loudly"))
	openDoors(t, b.Client, 1, key)
	awaitNoted(t, b.Client, "p", "a/1/x 1", "a/1/x 4", "a/1/x 5", "a/1/x 1006")
	require.NoError(t, call(t.Context(), listen, p, "nothing"))
	openDoors(t, b.Client, 1, key)
	require.NoError(t, call(t.Context(), listen, p, "one once"))
	openDoors(t, b.Client, 2, key)
	awaitNoted(t, b.Client, "p", "a/1/x 1", "a/1/x 4", "a/1/x 5", "a/1/x 1006", "a/1/x 8")
}

// TestActorIsToldOfGapsInTurns publishes events with holes, as a listener receives them that has missed some.
func TestActorIsToldOfGapsInTurns(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, doorsAndPorters...)
	p := troupe.GetOrCreate[porter](b.Client, "p")
	nc := b.Connect()
	for i, how := range []string{"one deaf to gaps", "one"} { // the second time it wants to know
		require.NoError(t, call(t.Context(), listen, p, how))
		for _, at := range []wire.Place{{Position: troupe.Position{Epoch: 7, Sequence: uint64(10*i + 2)}, Previous: 7}, {Position: troupe.Position{Epoch: 7, Sequence: uint64(10*i + 5)}, Previous: 7}} {
			require.NoError(t, nc.PublishMsg(&nats.Msg{Subject: "troupe.event.door.a.1.x.opened", Data: []byte{byte(at.Sequence)}, Header: nats.Header{wire.HeaderEvent: {at.String()}}}))
		}
		awaitNoted(t, b.Client, "p", []string{"a/1/x 2", "a/1/x 5", "gap 5-12", "a/1/x 12", "gap 12-15", "a/1/x 15"}[:2+4*i]...)
	}
}

func TestFailedActionLeavesNoHole(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	first := b.Host(doorsAndPorters...)
	key := []string{"a", "1", "x"}
	ref := troupe.GetOrCreate[door](b.Client, key...)
	got := make(chan troupe.Delivery, 100)
	_, err := opened.Subscribe(t.Context(), ref, func(ctx context.Context, _ int) error {
		d, _ := troupe.DeliveryOf(ctx)
		got <- d
		return nil
	}, troupe.OnGap(func(_ context.Context, gap troupe.Gap) error { t.Error(gap); return nil }))
	require.NoError(t, err)
	next := uint64(1)
	expect := func(n int) {
		t.Helper()
		for range n {
			d := <-got
			require.Equal(t, next, d.Position.Sequence)
			next++
		}
	}
	openDoors(t, b.Client, 3, key)
	require.ErrorIs(t, call(t.Context(), openDoor, ref, -5), errRefused)
	openDoors(t, b.Client, 2, key)
	expect(5)
	require.NoError(t, b.Client.Invoke(t.Context(), troupe.Invocation{ID: ref.ID(), Action: troupe.SleepAction}))
	openDoors(t, b.Client, 1, key)
	expect(1)
	second := b.Host(doorsAndPorters...)
	b.Stop(first)
	openDoors(t, b.Client, 2, key)
	b.Kill(second)
	b.Host(doorsAndPorters...)
	openDoors(t, b.Client, 1, key)
	expect(3)
	require.Empty(t, got)
	require.Equal(t, next-1, lastEvent(t, b.Client, ref.ID(), "opened").Sequence)
}

// lastEvent asks as a client does that has lost its connection.
func lastEvent(t *testing.T, c *client.Client, id troupe.ID, event string) troupe.Position {
	t.Helper()
	var last wire.Position
	require.NoError(t, c.Invoke(t.Context(), troupe.Invocation{ID: id, Action: wire.PositionAction, In: event, Out: &last}))
	return troupe.Position(last)
}

func TestSlowSubscribersSlowNobody(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, doorsAndPorters...)
	key := []string{"a", "1", "x"}
	stuck := make(chan struct{})
	defer close(stuck)
	for range 3 {
		_, err := opened.Subscribe(t.Context(), troupe.GetOrCreate[door](b.Client, key...), func(ctx context.Context, _ int) error {
			select {
			case <-stuck:
			case <-ctx.Done():
			}
			return nil
		})
		require.NoError(t, err)
	}
	got := make(chan int, 2000)
	_, err := opened.Subscribe(t.Context(), troupe.GetOrCreate[door](b.Client, key...), func(_ context.Context, n int) error { got <- n; return nil })
	require.NoError(t, err)
	require.NoError(t, call(t.Context(), listen, troupe.GetOrCreate[porter](b.Client, "p"), "one"))
	for range 20 {
		openDoors(t, b.Client, 100, key)
	}
	for n := 1; n <= 2000; n++ {
		require.Equal(t, n, <-got)
	}
	want := make([]string, 0, 2000)
	for n := 1; n <= 2000; n++ {
		want = append(want, fmt.Sprintf("a/1/x %d", n))
	}
	awaitNoted(t, b.Client, "p", want...)
}

// In virtual time, so it must not be parallel.
func TestSubscriptionsOfAnActorEndWithItsSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t)
		host := b.HostWith(actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, doorsAndPorters...)
		p := troupe.GetOrCreate[porter](b.Client, "p")
		require.NoError(t, call(t.Context(), listen, p, "all"))
		time.Sleep(time.Hour) //nolint:forbidigo // virtual time
		require.Zero(t, host.Active())
		openDoors(t, b.Client, 1, nil)
		synctest.Wait()
		awaitNoted(t, b.Client, "p")
	})
}

// Not parallel, for it counts goroutines.
func TestIdleListenersTakeNoGoroutine(t *testing.T) {
	b := hosttest.Start(t, doorsAndPorters...)
	key := []string{"a", "1", "x"}
	hear := func(n int) {
		for i := range n {
			require.NoError(t, call(t.Context(), listen, troupe.GetOrCreate[porter](b.Client, fmt.Sprint(i)), "one"))
			_, err := opened.Subscribe(t.Context(), troupe.GetOrCreate[door](b.Client, fmt.Sprint(i)), func(context.Context, int) error { return nil })
			require.NoError(t, err)
		}
		openDoors(t, b.Client, 1, key)
	}
	hear(1)
	before := runtime.NumGoroutine()
	const listeners = 500
	hear(listeners)
	awaitNoted(t, b.Client, fmt.Sprint(listeners-1), "a/1/x 2")
	require.Eventually(t, func() bool { return runtime.NumGoroutine() < before+listeners/10 }, 20*time.Second, time.Millisecond)
}

// BenchmarkIdleListener is what an actor costs that is awake and listens to another, beyond one that is merely awake, and
// what a program's subscription to an actor of its own costs, the server's part included.
func BenchmarkIdleListener(b *testing.B) {
	for name, each := range map[string]func(bus *hosttest.Bus, i int) error{
		"awake": func(bus *hosttest.Bus, i int) error {
			return call(b.Context(), noted, troupe.GetOrCreate[porter](bus.Client, fmt.Sprint(i)), nil)
		},
		"listening": func(bus *hosttest.Bus, i int) error {
			return call(b.Context(), listen, troupe.GetOrCreate[porter](bus.Client, fmt.Sprint(i)), "one")
		},
		"program": func(bus *hosttest.Bus, i int) error {
			_, err := opened.Subscribe(b.Context(), troupe.GetOrCreate[door](bus.Client, fmt.Sprint(i)), func(context.Context, int) error { return nil })
			return err
		},
	} {
		b.Run(name, func(b *testing.B) {
			bus := hosttest.Start(b, doorsAndPorters...)
			memory := func() float64 {
				var stats runtime.MemStats
				runtime.GC()
				runtime.GC()
				runtime.ReadMemStats(&stats)
				return float64(stats.HeapInuse + stats.StackInuse)
			}
			require.NoError(b, each(bus, -1))
			before, n := memory(), 0
			for ; b.Loop(); n++ {
				require.NoError(b, each(bus, n))
			}
			b.ReportMetric((memory()-before)/float64(n), "B/listener")
		})
	}
}
