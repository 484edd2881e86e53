package actorhost_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

type fields map[string]any

func encoded(tb testing.TB, v any) []byte {
	tb.Helper()
	data, err := msgpack.Marshal(v)
	require.NoError(tb, err)
	return data
}

// TestHostileRecords replaces the record of an actor. A call then finds it corrupt, and not a byte of it is changed; or it
// is as good as any.
func TestHostileRecords(t *testing.T) {
	t.Parallel()
	takesLong(t)
	b := hosttest.Start(t)
	host := b.Host(counters())
	nc := b.Connect()
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	records, err := store.OpenRecords(t.Context(), nc, ns, store.Settings{})
	require.NoError(t, err)

	nested := bytes.Repeat([]byte{0x91}, 900<<10)
	with := func(name string, value any) fields {
		record := fields{"owner": "gone", "epoch": 1, "created": true, "state": encoded(t, fields{"value": 7})}
		record[name] = value
		return record
	}
	many := func(n int, one fields) []fields {
		all := make([]fields, n)
		for i := range all {
			all[i] = one
		}
		return all
	}
	callers := func(n int, one any) map[uint64]any {
		all := make(map[uint64]any, n)
		for i := range n {
			all[uint64(i)] = one
		}
		return all
	}
	good := fields{"f": 1, "h": uint64(math.MaxUint64), "l": 5}
	answers := func(kept, callers any) fields {
		return with("answers", encoded(t, fields{"kept": kept, "callers": callers, "forgetful": true}))
	}
	position := fields{"epoch": 1, "sequence": 1}
	outbox := func(event any) fields { return with("outbox", []any{event}) }
	follows := func(source, event string, heard any) fields {
		return with("follows", encoded(t, fields{source: fields{"c": 1, "e": fields{event: heard}}}))
	}
	corrupt := map[string]any{
		"a state of nothing":        with("state", []byte{}),
		"a state of nil":            with("state", []byte{0xc0}),
		"a state that is a list":    with("state", []byte{0x90}),
		"a state of junk":           with("state", []byte("junk")),
		"a state of nesting":        with("state", nested),
		"a state that is cut":       with("state", encoded(t, fields{"value": 7})[:6]),
		"a state of two":            with("state", append(encoded(t, fields{"value": 7}), 0x80)),
		"a state of another type":   with("state", encoded(t, fields{"value": "seven"})),
		"answers of junk":           with("answers", []byte("junk")),
		"answers of nesting":        with("answers", nested),
		"answers that are a list":   with("answers", []byte{0x90}),
		"answers of a nil caller":   answers([]any{}, callers(1, nil)),
		"answers of text callers":   answers([]any{}, fields{"a": good}),
		"answers to negative calls": answers([]any{fields{"c": 1, "n": -1}}, callers(1, good)),
		"answers to no call":        answers([]any{fields{}}, callers(1, good)),
		"answers of nil":            answers([]any{nil}, callers(1, good)),
		"700,000 empty answers":     with("answers", append([]byte("\x81\xa4kept\xdd\x00\x0a\xae\x60"), bytes.Repeat([]byte{0x80}, 700_000)...)),
		"an owner with a dot":       with("owner", "a.b"),
		"an owner of a wildcard":    with("owner", ">"),
		"an owner of two lines":     with("owner", "a\r\nPUB troupe.route.counter.other.destroy 0\r\n\r\n"),
		"an owner of 5,000 bytes":   with("owner", strings.Repeat("o", 5000)),
		"an epoch that is negative": with("epoch", -1),
		"follows of nil":            with("follows", encoded(t, fields{"press.times": nil})),
		"follows of no event":       with("follows", encoded(t, fields{"press.times": fields{"c": 1}})),
		"follows of nil events":     follows("press.times", "published", nil),
		"follows of two lines":      follows("press.times", "a\r\nPUB troupe.x 0\r\n\r\n", fields{"f": 1}),
		"follows of a wildcard":     follows("press.>", "published", fields{"f": 1}),
		"follows that are a map":    with("follows", fields{}),
		"follows of junk":           with("follows", []byte("junk")),
		"an event of two lines":     outbox(fields{"event": "a\r\nPUB troupe.x 0\r\n\r\n", "position": position}),
		"an event of a wildcard":    outbox(fields{"event": ">", "position": position}),
		"an event of two tokens":    outbox(fields{"event": "a.b", "position": position}),
		"an event without a name":   outbox(fields{"position": position}),
		"an event without a place":  outbox(fields{"event": "published"}),
		"an event at the end":       outbox(fields{"event": "published", "position": fields{"epoch": 1, "sequence": uint64(math.MaxUint64)}}),
		"an event for two lines":    outbox(fields{"event": "published", "position": position, "except": "a\r\nb: c"}),
		"an event that is nil":      outbox(nil),
		"700,000 nil events":        with("outbox", make([]any, 700_000)),
		"positions of two lines":    with("events", fields{"a\r\nPUB troupe.x 0\r\n\r\n": position}),
		"positions of nil":          with("events", fields{"published": nil}),
		"positions of no epoch":     with("events", fields{"published": fields{"sequence": 1}}),
		"positions that are a list": with("events", []any{}),
		"parts, but not created":    fields{"owner": "gone", "events": fields{"published": position}},
		"an empty map":              fields{},
		"not created, with a state": with("created", false),
	}
	fine := map[string]any{
		"an owner that is gone":   with("owner", "gone"),
		"an owner that is nobody": with("owner", ""),
		"a great epoch":           with("epoch", uint64(1)<<63),
		"the greatest epoch":      with("epoch", uint64(math.MaxUint64)),
		"what is not known":       with("more", fields{"a": []int{1}}),
		"20,000 answers":          answers(many(20_000, fields{"c": 1, "n": 9, "o": []byte("x")}), callers(1, good)),
		"10,000 given ids":        answers(many(10_000, fields{"g": "id", "s": 1}), callers(1, good)),
		"10,000 callers":          answers([]any{}, callers(10_000, good)),
		"answers of nobody":       answers([]any{fields{"n": uint64(math.MaxUint64)}}, callers(1, fields{})),
		"parts that are nil":      fields{"owner": "gone", "created": true, "state": encoded(t, fields{"value": 7}), "answers": nil, "events": nil, "follows": nil, "outbox": nil},
		"parts that are empty":    fields{"owner": "gone", "created": true, "state": encoded(t, fields{"value": 7}), "answers": []byte{}, "events": fields{}, "follows": []byte{}, "outbox": []any{}},
		"a great position":        with("events", fields{"published": fields{"epoch": 1, "sequence": math.MaxInt64}}),
	}
	put := func(key string, record any) []byte {
		data := encoded(t, record)
		_, err := nc.Request("$KV.troupe-actors.counter."+key, data, 10*time.Second)
		require.NoError(t, err)
		return data
	}
	for name, record := range corrupt {
		data := put("a", record)
		require.ErrorIs(t, call(t.Context(), add, troupe.GetOrCreate[counter](b.Client, "a"), 1), troupe.ErrStateCorrupt, name)
		stored, err := records.Raw(t.Context(), troupe.GetOrCreate[counter](b.Client, "a").ID())
		require.NoError(t, err, name)
		require.True(t, bytes.Equal(data, stored), "%s: not a byte is changed", name)
	}
	keys := 0
	patient, cancel := context.WithTimeout(t.Context(), 3*time.Minute) // the race detector makes large records slow
	defer cancel()
	for name, record := range fine {
		keys++
		key := fmt.Sprint("fine", keys)
		put(key, record)
		for want := 8; want < 10; want++ {
			got, err := add.Call(patient, troupe.GetOrCreate[counter](b.Client, key), 1)
			require.NoError(t, err, name)
			require.Equal(t, want, got, name)
		}
	}
	require.NoError(t, call(t.Context(), add, troupe.GetOrCreate[counter](b.Client, "other"), 1))
	is, err := whereIs.Call(t.Context(), troupe.GetOrCreate[counter](b.Client, "other"), nil)
	require.NoError(t, err)
	require.Equal(t, host.ID(), is.Host)
}

// TestStateAtTheLimitLeavesRoomForCallers has many callers of an actor whose state is as large as can be stored.
func TestStateAtTheLimitLeavesRoomForCallers(t *testing.T) {
	t.Parallel()
	takesLong(t)
	b := hosttest.Start(t, counters())
	a := troupe.GetOrCreate[counter](b.Client, "a")
	nc := b.Connect()
	require.NoError(t, call(t.Context(), pad, a, int(nc.MaxPayload())-1024-record.AnswersRoom-30))
	for i := range 300 {
		inbox, err := nc.SubscribeSync(fmt.Sprintf("_INBOX.caller%d.id.1.1", i))
		require.NoError(t, err)
		require.NoError(t, nc.PublishMsg(&nats.Msg{Subject: "troupe.route.counter.a.add", Reply: inbox.Subject, Data: []byte{1}}))
		reply, err := inbox.NextMsg(10 * time.Second)
		require.NoError(t, err)
		require.NoError(t, asError(wire.DecodeError(reply)), "caller %d", i)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	got, err := get.Call(ctx, a, nil)
	require.NoError(t, err)
	require.Equal(t, 300, got)
}

func asError(err *troupe.Error) error {
	if err == nil {
		return nil
	}
	return err
}

// TestStateOfBeforeAnswersHadRoom is larger than a state may be today. It can be used, as long as it does not grow.
func TestStateOfBeforeAnswersHadRoom(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, counters())
	a, nc := troupe.GetOrCreate[counter](b.Client, "a"), b.Connect()
	require.NoError(t, call(t.Context(), add, a, 1))
	most := int(nc.MaxPayload()) - 1024
	hand := byHand(t, b)
	require.NoError(t, b.Client.Actor("counter", "a").Call(t.Context(), troupe.SleepAction, nil, nil))
	found, err := hand.records.Get(t.Context(), a.ID())
	require.NoError(t, err)
	found.State, found.Parts, found.Needs = encoded(t, fields{"value": 1, "pad": make([]byte, most-10_000)}), nil, nil
	_, err = hand.records.Put(t.Context(), a.ID(), found)
	require.NoError(t, err)
	for want := 2; want < 5; want++ {
		got, err := add.Call(t.Context(), a, 1)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	require.ErrorIs(t, call(t.Context(), pad, a, most-9_000), troupe.ErrTooLarge)
	require.NoError(t, call(t.Context(), pad, a, 10))
}
