package actorhost_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// writtenByHand are the records of a bus, as tests write them that are no hosts.
type writtenByHand struct {
	t       *testing.T
	nc      *nats.Conn
	records *store.Records
}

func byHand(t *testing.T, b *hosttest.Bus) writtenByHand {
	t.Helper()
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	nc := b.Connect()
	records, err := store.OpenRecords(t.Context(), nc, ns, store.Settings{})
	require.NoError(t, err)
	return writtenByHand{t, nc, records}
}

// put writes the record of a counter, and returns it.
func (w writtenByHand) put(key string, data []byte) []byte {
	w.t.Helper()
	_, err := w.nc.Request("$KV.troupe-actors.counter."+key, data, 10*time.Second)
	require.NoError(w.t, err)
	return data
}

func (w writtenByHand) raw(key string) []byte {
	w.t.Helper()
	id, err := troupe.NewID("counter", key)
	require.NoError(w.t, err)
	data, err := w.records.Raw(w.t.Context(), id)
	require.NoError(w.t, err)
	return data
}

// withTimers is the record of a counter at 7 with fields that no host of today knows, one of them spelt as none would.
func withTimers(tb testing.TB) (data, timers []byte) {
	tb.Helper()
	timers = []byte("\xd9\x06timers\x82\xa4list\x91\x82\xa1n\xa4wake\xa1d\xcf\x00\x00\x00\x00\x00\x00\x00\x05\xa5alarm\xc0\xa5steps\xc7\x02\x05ab")
	state := encoded(tb, fields{"value": 7})
	data = append([]byte("\x85\xa5owner\xa4gone\xa7created\xc3\xa5state\xc4"), byte(len(state)))
	return append(append(data, state...), timers...), timers
}

// TestPartsThatAHostDoesNotKnowStay has hosts of today work with the actors of a newer program.
func TestPartsThatAHostDoesNotKnowStay(t *testing.T) {
	t.Parallel()
	const actors, calls = 128, 20
	b := hosttest.Start(t)
	hand := byHand(t, b)
	data, timers := withTimers(t)
	refs := make([]counter, actors)
	for i := range refs {
		refs[i] = troupe.GetOrCreate[counter](b.Client, fmt.Sprint(i))
		hand.put(fmt.Sprint(i), data)
	}
	requireKept := func(when string) {
		t.Helper()
		for i := range refs {
			raw := hand.raw(fmt.Sprint(i))
			require.True(t, bytes.HasSuffix(raw, timers), "%s: byte for byte", when)
		}
	}
	everyone := func(f func(ref counter) error) {
		t.Helper()
		var all errgroup.Group
		for _, ref := range refs {
			all.Go(func() error { return f(ref) })
		}
		require.NoError(t, all.Wait())
	}
	first := b.Host(counters())
	everyone(func(ref counter) error {
		for range calls {
			if err := call(t.Context(), add, ref, 1); err != nil {
				return err
			}
		}
		return nil
	})
	require.Greater(t, journaled(t, b), uint64(4), "more than its beginning")
	requireKept("calls")
	b.Kill(first)
	second := b.Host(counters())
	everyone(func(ref counter) error { return call(t.Context(), add, ref, 1) })
	requireKept("a takeover, from a journal too")
	everyone(func(ref counter) error {
		return b.Client.Invoke(t.Context(), troupe.Invocation{ID: ref.ID(), Action: troupe.SleepAction})
	})
	requireKept("sleep")
	b.Stop(second)
	b.Host(counters())
	everyone(func(ref counter) error { return call(t.Context(), get, ref, nil) })
	requireKept("a claim")
	got, err := get.Call(t.Context(), refs[0], nil)
	require.NoError(t, err)
	require.Equal(t, 7+calls+1, got)
}

// TestPartsThatAHostDoesNotKnowOfAnActorThatIsNotCreated: they were there before it.
func TestPartsThatAHostDoesNotKnowOfAnActorThatIsNotCreated(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, counters())
	hand := byHand(t, b)
	for _, key := range []string{"called", "made"} {
		hand.put(key, []byte("\x82\xa5owner\xa4gone\xa6timers\x81\xa1a\x01"))
	}
	require.NoError(t, call(t.Context(), add, troupe.GetOrCreate[counter](b.Client, "called"), 1))
	require.NoError(t, b.Client.Actor("counter", "made").Create(t.Context(), nil))
	for _, key := range []string{"called", "made"} {
		require.Contains(t, string(hand.raw(key)), "\xa6timers\x81\xa1a\x01")
	}
}

// TestWhatAHostLacks has records that need what no host of today has.
func TestWhatAHostLacks(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, counters())
	hand := byHand(t, b)
	for name, one := range map[string]fields{
		"a feature":          {"needs": []string{"timers"}},
		"and another part":   {"needs": []string{"timers"}, "timers": fields{"a": 1}},
		"one of two":         {"needs": []string{"queues", "timers"}},
		"and what it spells": {"needs": []string{"timers"}, "outbox": "in a way that is not known yet"},
		"not created yet":    {"needs": []string{"timers"}, "created": false, "state": []byte{}},
	} {
		one := maps.Clone(one)
		for field, value := range (fields{"owner": "gone", "epoch": 5, "created": true, "state": encoded(t, fields{"value": 7})}) {
			if _, given := one[field]; !given {
				one[field] = value
			}
		}
		data := hand.put("a", encoded(t, one))
		for _, action := range []string{"add", "get", "destroy", "_create", "_destroy", "_position", "_notice"} {
			reply, err := hand.nc.Request("troupe.route.counter.a."+action, encoded(t, 1), 10*time.Second)
			require.NoError(t, err)
			failed := wire.DecodeError(reply)
			if action == "_destroy" && one["created"] == false {
				require.ErrorIs(t, failed, troupe.ErrNotFound, name)
				continue
			}
			if action == "_position" {
				reply, err = hand.nc.Request("troupe.route.counter.a."+action, encoded(t, "happened"), 10*time.Second)
				require.NoError(t, err)
				failed = wire.DecodeError(reply)
			}
			require.ErrorIs(t, failed, troupe.ErrUnavailable, "%s: %s", name, action)
			require.ErrorContains(t, failed, "timers", name)
			require.True(t, failed.Retryable)
		}
		require.Equal(t, data, hand.raw("a"), "%s: not a byte is changed", name)
	}
	require.NoError(t, call(t.Context(), add, troupe.GetOrCreate[counter](b.Client, "other"), 1))
}

// TestWhatAHostLacksAnotherMayHave has a host of a newer program, of which there is no more than what is said on the bus.
func TestWhatAHostLacksAnotherMayHave(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, counters())
	hand := byHand(t, b)
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	leases, err := store.OpenHosts(t.Context(), hand.nc, ns, store.Settings{})
	require.NoError(t, err)
	for _, entry := range []store.HostEntry{
		{ID: "other-type", Types: []string{"room"}, Features: []string{"timers"}},
		{ID: "older", Types: []string{"counter"}},
		{ID: "newer", Types: []string{"counter"}, Features: []string{"queues", "timers"}},
	} {
		_, err := leases.Renew(t.Context(), entry, 0, time.Minute)
		require.NoError(t, err)
	}
	forwarded, err := hand.nc.SubscribeSync("troupe.host.*.call.>")
	require.NoError(t, err)
	data := hand.put("a", encoded(t, fields{"owner": "gone", "created": true, "state": encoded(t, fields{"value": 7}), "needs": []string{"timers"}}))
	answered := make(chan error, 1)
	go func() {
		got, err := add.Call(t.Context(), troupe.GetOrCreate[counter](b.Client, "a"), 1)
		if err == nil && got != 8 {
			err = fmt.Errorf("got %d", got)
		}
		answered <- err
	}()
	msg, err := forwarded.NextMsg(10 * time.Second)
	require.NoError(t, err)
	require.Equal(t, "troupe.host.newer.call.counter.a.add", msg.Subject)
	require.NoError(t, msg.Respond(nil)) // it is taken
	require.NoError(t, hand.nc.Publish(msg.Header.Get(wire.HeaderReplyTo), []byte{8}))
	require.NoError(t, <-answered)
	require.Equal(t, data, hand.raw("a"), "who forwards touches nothing")
}

// TestNamesOfEventsCount has an actor at the limit of its record broadcast events of more and more names.
func TestNamesOfEventsCount(t *testing.T) {
	t.Parallel()
	type noted struct {
		Pad   []byte
		Turns int
	}
	fill := troupe.NewAction[press, int, troupe.None]("fill")
	announce := troupe.NewAction[press, [2]int, int]("announce")
	activations := 0
	b := hosttest.Start(t, actorhost.Define(func() noted { return noted{} },
		actorhost.On(fill, actorhost.NoOut(func(s *noted, _ *actorhost.Context, n int) error { s.Pad = make([]byte, n); return nil })),
		actorhost.On(announce, func(s *noted, c *actorhost.Context, names [2]int) (int, error) {
			for n := names[0]; n < names[1]; n++ {
				event := troupe.NewEvent[press, int](fmt.Sprintf("%s%02d", strings.Repeat("e", 58), n))
				for range 3 { // a name counts once
					if err := event.Broadcast(c, n); err != nil {
						return 0, err
					}
				}
			}
			s.Turns++
			return s.Turns, nil
		})).OnWake(func(*noted, *actorhost.Context) error { activations++; return nil }))
	times, nc := troupe.GetOrCreate[press](b.Client, "times"), b.Connect()
	const room = 40 * 100 // for some names, but not for all of them
	require.NoError(t, call(t.Context(), fill, times, int(nc.MaxPayload())-1024-record.AnswersRoom-room-64))
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	turns, err := announce.Call(ctx, times, [2]int{0, 30})
	require.NoError(t, err)
	require.Equal(t, 1, turns)
	require.ErrorIs(t, call(ctx, announce, times, [2]int{30, 90}), troupe.ErrTooLarge)
	turns, err = announce.Call(ctx, times, [2]int{0, 30})
	require.NoError(t, err, "those that are known need no more room")
	require.Equal(t, 2, turns)
	require.Equal(t, 1, activations, "nobody had to give up the actor")
	found, err := byHand(t, b).records.Get(t.Context(), times.ID())
	require.NoError(t, err)
	parts, err := found.Open()
	require.NoError(t, err)
	require.Equal(t, uint64(6), parts.Events().Last(strings.Repeat("e", 58)+"29").Sequence)
	require.Zero(t, parts.Events().Last(strings.Repeat("e", 58)+"30"))
	require.Less(t, len(found.Append(nil)), int(nc.MaxPayload()))
}
