package record_test

import (
	"bytes"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/dedup"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/wire"
)

type fields map[string]any

func encoded(tb testing.TB, v any) []byte {
	tb.Helper()
	data, err := msgpack.Marshal(v) // which, unlike ours, writes what is wrong
	require.NoError(tb, err)
	return data
}

func id(tb testing.TB, actorType string, key ...string) troupe.ID {
	tb.Helper()
	made, err := troupe.NewID(actorType, key...)
	require.NoError(tb, err)
	return made
}

// open decodes what must be good.
func open(t require.TestingT, data []byte, revision uint64) (record.Record, record.Parts) {
	r, err := record.Decode(data, revision)
	require.NoError(t, err)
	parts, err := r.Open()
	require.NoError(t, err)
	return r, parts
}

// TestRecordsOfBefore reads, and writes again, what programs have written that had no such package.
func TestRecordsOfBefore(t *testing.T) {
	t.Parallel()
	read := func(name string) []byte {
		data, err := os.ReadFile("testdata/written/" + name)
		require.NoError(t, err)
		return data
	}
	for name, want := range map[string]record.Record{
		"claim":  {Owner: "host1", Revision: 7},
		"plain":  {Owner: "host1", Epoch: 5, Created: true, State: []byte{0x81, 0xa1, 'n', 0x07}, Revision: 7},
		"nobody": {Created: true, State: []byte{0x80}, Revision: 7},
	} {
		got, parts := open(t, read(name), 7)
		require.Equal(t, want, got, name)
		require.True(t, parts.IsZero(), name)
		require.Equal(t, read(name), got.Append(nil), "%s: byte for byte", name)
	}

	full, parts := open(t, read("full"), 7)
	require.Equal(t, read("full"), full.Append(nil), "who does not open the parts leaves them as they are")
	require.Equal(t, record.Record{
		Owner: "host1", Epoch: 70000, Created: true, State: make([]byte, 300), Parts: full.Parts, Revision: 7,
	}, full)
	for range 2 { // as it was written, and as it is now
		require.Equal(t, 2, parts.Answers().Len())
		answer, failed, v := parts.Answers().Find(dedup.Call{ID: dedup.ID{RequestID: wire.RequestID{Caller: 7, Number: 3, Floor: 2}}})
		require.Nil(t, failed)
		require.Equal(t, dedup.Answered, v)
		require.Equal(t, "out", string(answer.Output))
		heard, ok := parts.Follows().Heard("press.times", "published")
		require.True(t, ok)
		require.Equal(t, record.Heard{Last: wire.Position{Epoch: 2, Sequence: 300}}, heard)
		cursor, ok := parts.Follows().Cursor("press.times")
		require.True(t, ok)
		require.EqualValues(t, 9, cursor)
		require.Equal(t, troupe.Position{Epoch: 5, Sequence: 70000}, parts.Events().Last("published"))
		first, ok := parts.Outbox().First()
		require.True(t, ok)
		require.Equal(t, record.Emitted{
			Event: "published", Position: wire.Position{Epoch: 5, Sequence: 69999}, Payload: []byte{1},
		}, first)
		parts.Outbox().Kept()
		second, ok := parts.Outbox().First()
		require.True(t, ok)
		require.Equal(t, record.Emitted{
			Event: "published", Position: wire.Position{Epoch: 5, Sequence: 70000}, Previous: 5, Payload: []byte{2}, Except: "c1",
		}, second)

		_, parts = open(t, read("full"), 7)
		again := full
		parts.Fill(&again)
		requireReadByThoseBefore(t, again.Append(nil))
		_, parts = open(t, again.Append(nil), 7)
	}
}

// requireReadByThoseBefore reads the record called full as those programs do, but for its answers.
func requireReadByThoseBefore(t *testing.T, data []byte) {
	t.Helper()
	type position struct {
		Epoch    uint64 `json:"epoch"`
		Sequence uint64 `json:"sequence"`
	}
	var before struct {
		Owner   string              `json:"owner"`
		Epoch   uint64              `json:"epoch,omitempty"`
		Created bool                `json:"created,omitempty"`
		State   []byte              `json:"state,omitempty"`
		Needs   []string            `json:"needs,omitempty"`
		Events  map[string]position `json:"events,omitempty"`
		Outbox  []struct {
			Event    string   `json:"event"`
			Position position `json:"position"`
			Previous uint64   `json:"previous,omitempty"`
			Payload  []byte   `json:"payload,omitempty"`
			Except   string   `json:"except,omitempty"`
		} `json:"outbox,omitempty"`
		Follows []byte `json:"follows,omitempty"`
	}
	require.NoError(t, codec.MsgPack.Unmarshal(data, &before))
	require.Equal(t, "host1", before.Owner)
	require.EqualValues(t, 70000, before.Epoch)
	require.Len(t, before.State, 300)
	require.Equal(t, map[string]position{"published": {5, 70000}}, before.Events)
	require.Len(t, before.Outbox, 2)
	require.Equal(t, position{5, 70000}, before.Outbox[1].Position)
	require.Equal(t, "c1", before.Outbox[1].Except)
	text, err := codec.ToJSON(before.Follows)
	require.NoError(t, err)
	require.JSONEq(t, `{"press.times":{"c":9,"e":{"published":{"f":4,"l":{"epoch":2,"sequence":300}}}}}`, string(text))
	require.Equal(t, []string{"once"}, before.Needs, "they leave the actor to hosts that can read its answers")
}

// TestWhatIsNotKnownIsKept has fields that this program does not know, among those that it does.
func TestWhatIsNotKnownIsKept(t *testing.T) {
	t.Parallel()
	strange := []byte("\xd9\x06quirks\x93\x01\xc0\xc7\x02\x05ab") // spelt as we would not
	data := bytes.Join([][]byte{
		{0x87}, []byte("\xa1z\xcb\x7f\xf8\x00\x00\x00\x00\x00\x01"), []byte("\xa5owner\xa2h1"), strange, []byte("\xa7created\xc3"),
		[]byte("\xa6events\x81\xa4said\x82\xa5epoch\x01\xa8sequence\x02"), []byte("\xa5steps\xc0"), []byte("\xa5state\xc4\x01\x80"),
	}, nil)
	r, parts := open(t, data, 3)
	kept := bytes.Join([][]byte{[]byte("\xa1z\xcb\x7f\xf8\x00\x00\x00\x00\x00\x01"), strange, []byte("\xa5steps\xc0")}, nil)
	require.EqualValues(t, len(kept), parts.Size()-sizeOf(t, "said"), "they count")
	for range 3 {
		(&record.Broadcast{Event: "said", Epoch: 3}).Apply(&parts)
		parts.Fill(&r)
		require.True(t, bytes.HasSuffix(r.Append(nil), kept), "byte for byte")
		r, parts = open(t, r.Append(nil), 4)
	}
	require.Equal(t, troupe.Position{Epoch: 3, Sequence: 5}, parts.Events().Last("said"))
	r.Forget()
	require.True(t, bytes.HasSuffix(r.Append(nil), kept), "there are no answers to forget")
}

// sizeOf is what the position of an event takes.
func sizeOf(t *testing.T, event string) int64 {
	t.Helper()
	var parts record.Parts
	(&record.Broadcast{Event: event, Epoch: 1}).Apply(&parts)
	return parts.Size()
}

func TestForgetAnswersThatCannotBeDecoded(t *testing.T) {
	t.Parallel()
	r, err := record.Decode(encoded(t, fields{
		"owner": "h", "created": true, "answers": 5, "events": fields{"said": fields{"epoch": 1, "sequence": 2}}, "steps": 1,
	}), 1)
	require.NoError(t, err)
	_, err = r.Open()
	require.ErrorIs(t, err, record.ErrCorrupt)
	r.Forget()
	_, parts := open(t, r.Append(nil), 2)
	require.EqualValues(t, 2, parts.Events().Last("said").Sequence)
	require.Contains(t, string(r.Parts), "\xa5steps\x01")

	only := record.Record{Owner: "h", Created: true, Parts: encoded(t, fields{"answers": 5})}
	only.Forget()
	require.Nil(t, only.Parts)
}

func TestWhatIsNeeded(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"inorder", "items", "once", "pushes", "queues", "schedules", "timers", "workflows"}, record.Features())
	r, parts := open(t, encoded(t, fields{"owner": "h", "created": true, "needs": []string{"quirks"}}), 1)
	require.Equal(t, []string{"quirks"}, r.Lacks(record.Features()))
	require.Nil(t, r.Lacks([]string{"quirks", "timers"}))

	record.SetTimer{Name: "wake", Due: time.UnixMilli(5)}.Apply(&parts)
	parts.Fill(&r)
	require.Equal(t, []string{"quirks", "timers"}, r.Needs, "a part brings what it needs")
	r, parts = open(t, r.Append(nil), 2)
	require.Equal(t, []string{"quirks", "timers"}, r.Needs)
	due, set := parts.Timers().Due("wake")
	require.True(t, set)
	require.EqualValues(t, 5, due.UnixMilli())

	record.CancelTimer{Name: "wake"}.Apply(&parts)
	parts.Fill(&r)
	require.Equal(t, []string{"quirks"}, r.Needs, "and takes it away; what is needed for other reasons stays")
	require.Empty(t, r.Parts)
	var none record.Record
	require.Nil(t, none.Lacks(nil))
}

// TestCorruptParts: each is one error, which says where.
func TestCorruptParts(t *testing.T) {
	t.Parallel()
	at := fields{"epoch": 1, "sequence": 1}
	heard := func(heard any) []byte {
		return encoded(t, fields{"room.a": fields{"c": 1, "e": fields{"said": heard}}})
	}
	for _, test := range []struct {
		part  string
		value any
		want  string
	}{
		{"events", []any{}, "events: expected a map"},
		{"events", fields{"said": nil}, "events: said: 0.0 is the position of no event"},
		{"events", fields{"said": fields{"epoch": 1, "sequence": uint64(math.MaxInt64) + 1}}, "is the position of no event"},
		{"events", fields{"said": fields{"epoch": -1, "sequence": 1}}, "epoch: -1 does not fit"},
		{"events", fields{"a.b": at}, "the event has the name"},
		{"events", fields{strings.Repeat("a", 65): at}, "the event has the name"},
		{"outbox", fields{}, "outbox: expected an array"},
		{"queues", fields{"done": []any{fields{"s": 1}}}, "queues: a message has the id"},
		{"queues", fields{"done": []any{fields{"i": "a"}, fields{"i": "a"}}}, "queues: a message has the id"},
		{"queues", fields{"done": make([]any, record.MaxDone+1)}, "queues: more messages"},
		{"pushes", []any{fields{"a": "t.k", "q": "sort"}}, "pushes: message 0: it has the name"},
		{"pushes", []any{fields{"a": "t.k", "q": "a.b", "n": "x"}}, "the queue has the name"},
		{"pushes", []any{fields{"a": "t..k", "q": "sort", "n": "x"}}, "pushes: message 0"},
		{"pushes", []any{fields{"a": "t.k", "q": "sort", "n": "a\r\nb"}}, "pushes: message 0: it has the name"},
		{"inorder", fields{"a.b": fields{}}, "the queue has the name"},
		{"inorder", fields{"sort": fields{"s": uint64(math.MaxUint64)}}, `inorder: "sort" is handled up to`},
		{"inorder", fields{"sort": fields{"t": -1}}, `inorder: "sort" is handled up to`},
		{"inorder", fields{"sort": fields{"h": fields{"u": int64(math.MaxInt64)}}}, `inorder: "sort" is held up by`},
		{"inorder", fields{"sort": fields{"h": fields{"a": -1}}}, `inorder: "sort" is held up by`},
		{"outbox", []any{nil}, "outbox: event 0: the event has the name \"\""},
		{"outbox", []any{fields{"event": "said", "position": at}, fields{"event": "a\r\nb", "position": at}}, "outbox: event 1"},
		{"outbox", []any{fields{"event": "said", "position": at, "except": "a b"}}, "the connection has the name"},
		{"outbox", []any{fields{"event": "said", "position": at, "previous": uint64(math.MaxUint64)}}, "the epoch before it"},
		{"outbox", []any{fields{"event": "said"}}, "is the position of no event"},
		{"outbox", []any{fields{"event": "said", "position": at, "payload": "text"}}, "payload: expected bytes"},
		{"follows", fields{}, "follows: expected bytes"},
		{"follows", []byte("junk"), "follows: "},
		{"follows", encoded(t, fields{"room.a": nil}), `"room.a" is followed without an event`},
		{"follows", encoded(t, fields{"room.a": fields{"c": 1}}), "is followed without an event"},
		{"follows", encoded(t, fields{"room.a": fields{"c": uint64(math.MaxUint64), "e": fields{"said": fields{}}}}), "is followed up to"},
		{"follows", encoded(t, fields{"room.*": fields{"c": 1, "e": fields{"said": fields{}}}}), "is no actor"},
		{"follows", encoded(t, fields{"": fields{"c": 1, "e": fields{"said": fields{}}}}), "is no actor"},
		{"follows", heard(nil), "nothing is known of said"},
		{"follows", heard(fields{"l": fields{"epoch": 1}}), "is the position of no event"},
		{"answers", encoded(t, fields{"kept": []any{nil}}), "answers: an answer is to no call"},
		{"answers", encoded(t, fields{"callers": map[uint64]any{1: nil}}), "answers: a caller is nil"},
		{"answers", 5, "answers: expected bytes"},
	} {
		r, err := record.Decode(encoded(t, fields{"owner": "h", "created": true, test.part: test.value}), 7)
		require.NoError(t, err, "the rest of it can be read")
		parts, err := r.Open()
		require.ErrorIs(t, err, record.ErrCorrupt)
		require.ErrorContains(t, err, test.want)
		require.Less(t, len(err.Error()), 300)
		require.True(t, parts.IsZero())
	}
	r, err := record.Decode(encoded(t, fields{"owner": "h", "events": fields{"said": at}}), 7)
	require.NoError(t, err)
	_, err = r.Open()
	require.ErrorContains(t, err, "of an actor that is not created")
}

// draw makes changes of all sorts.
func draw(t *rapid.T, ids []troupe.ID) (changes []record.Change) {
	name := rapid.StringMatching(`[a-z][a-zA-Z0-9_-]{0,63}`)
	number := rapid.Uint64Range(1, math.MaxInt64)
	for range rapid.IntRange(0, 30).Draw(t, "changes") {
		source, event := rapid.SampledFrom(ids).Draw(t, "source"), name.Draw(t, "event")
		last := troupe.Position{Epoch: number.Draw(t, "epoch"), Sequence: number.Draw(t, "sequence")}
		switch rapid.IntRange(0, 10).Draw(t, "kind") {
		case 0, 1:
			changes = append(changes, &record.Broadcast{
				Event: event, Epoch: last.Epoch, Durable: rapid.Bool().Draw(t, "durable"),
				Payload: rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "payload"), Except: rapid.SampledFrom([]string{"", event}).Draw(t, "except"),
			})
		case 2:
			changes = append(changes, record.Follow{Source: source, Event: event, From: last.Sequence, Last: last})
		case 3:
			changes = append(changes, record.Handled{Source: source.Tokens(), Event: event, Sequence: last.Sequence, Position: last})
		case 4:
			changes = append(changes, record.Unfollow{Source: source, Event: event})
		case 5:
			changes = append(changes, record.SetTimer{Name: event, Due: time.UnixMilli(int64(last.Sequence))})
		case 6:
			changes = append(changes, record.PassedMessage{Queue: event, Sequence: last.Sequence, Stored: int64(last.Epoch)})
		case 7:
			changes = append(changes, record.FailedMessage{Queue: event, Head: record.Head{
				Sequence: last.Sequence, Stored: int64(last.Epoch), Attempts: rapid.IntRange(0, 1<<30).Draw(t, "attempts"),
				Until: rapid.Int64Range(0, 1<<46).Draw(t, "until"), Failure: event, Dead: rapid.Bool().Draw(t, "dead"),
			}})
		case 8:
			changes = append(changes, &record.PushMessage{PushedMessage: record.PushedMessage{
				Actor: source.Tokens(), Queue: event, Name: event, InOrder: rapid.Bool().Draw(t, "in order"),
				Existing: rapid.Bool().Draw(t, "existing"), At: rapid.Int64Range(0, 1<<46).Draw(t, "at"), Body: []byte(event),
			}})
		default:
			changes = append(changes, drawSchedule(t, event))
		}
	}
	return changes
}

// TestSizesAreNotTooSmall: no record is larger than what its changes were said to take, and all of it comes back.
func TestSizesAreNotTooSmall(t *testing.T) {
	t.Parallel()
	ids := []troupe.ID{id(t, "room"), id(t, "room", strings.Repeat("k", 40)), id(t, "clock", "a", "b")}
	rapid.Check(t, func(t *rapid.T) {
		r, parts := record.Record{Owner: "h", Created: true}, record.Parts{}
		for range rapid.IntRange(1, 4).Draw(t, "turns") {
			changes := draw(t, ids)
			most := parts.Grown(changes)
			for _, c := range changes {
				c.Apply(&parts)
			}
			require.LessOrEqual(t, parts.Size(), most+300, "but for what a part has around it")
			parts.Fill(&r)
			require.LessOrEqual(t, int64(len(r.Parts)), parts.Size()+5)
			size := parts.Size()
			r, parts = open(t, r.Append(nil), 1)
			require.Equal(t, size, parts.Size())
			again := r
			parts.Fill(&again)
			require.Len(t, again.Parts, len(r.Parts))
		}
	})
}

// FuzzDecode takes anything for a record. What can be decoded is the same again when it is written.
func FuzzDecode(f *testing.F) {
	at := fields{"epoch": 1, "sequence": 2}
	for _, one := range []fields{
		{"owner": "h1"},
		{"owner": "h1", "epoch": uint64(1) << 63, "created": true, "state": []byte{0x80}, "answers": []byte{0x80}},
		{"owner": "a.b"},
		{"created": true},
		{"owner": "h", "created": true, "needs": []string{"timers"}, "timers": fields{"wake": 5}, "queues": []int{1}},
		{"owner": "h", "created": true, "events": fields{"said": at}, "outbox": []fields{{"event": "said", "position": at, "payload": []byte{1}}}},
		{"owner": "h", "created": true, "follows": encoded(f, fields{"room.a": fields{"c": 1, "e": fields{"said": fields{"f": 1, "l": at}}}})},
		{"owner": "h", "created": true, "follows": encoded(f, fields{"room.a": nil})},
		{"owner": "h", "created": true, "outbox": []fields{{"event": "a\r\nPUB x 0\r\n", "position": at}}},
		{"owner": "h", "created": true, "answers": encoded(f, fields{"callers": map[uint64]any{1: nil}})},
		{"owner": "h", "created": true, "needs": []string{"schedules"}, "schedules": encoded(f, fields{
			"alarm": fields{"a": 5, "s": 1}, "due": []fields{{"n": "a", "a": "run", "d": 5, "e": 1000}, {"n": "b", "a": "run", "d": 4, "c": "* * * * *"}},
			"parked": []fields{{"n": 2, "r": fields{"n": "a", "a": "run", "d": 1, "f": 20, "l": "no"}}},
		})},
	} {
		f.Add(encoded(f, one))
	}
	f.Add([]byte{0x80})
	f.Add([]byte{0xdf, 0xff, 0xff, 0xff, 0xff})
	ns, _ := wire.NewNamespace("")
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := record.Decode(data, 7)
		require.EqualValues(t, 7, r.Revision)
		if err != nil {
			require.ErrorIs(t, err, record.ErrCorrupt)
			require.Equal(t, record.Record{Revision: 7}, r)
			return
		}
		require.True(t, r.Created || r.Owner != "" && r.State == nil)
		require.NotZero(t, r.NextEpoch(time.Time{}))
		if r.Owner != "" {
			require.Len(t, strings.Split(ns.Ping(r.Owner), "."), 4)
			require.False(t, strings.ContainsAny(r.Owner, " \r\n\t*>") || len(r.Owner) > 64)
		}
		again, err := record.Decode(r.Append(nil), 7)
		require.NoError(t, err)
		require.Equal(t, r.Append(nil), again.Append(nil))
		parts, err := r.Open()
		if err != nil {
			require.ErrorIs(t, err, record.ErrCorrupt)
			require.NotContains(t, err.Error(), "panicked")
			return
		}
		parts.Fill(&again)
		_, parts = open(t, again.Append(nil), 7)
		written := again
		parts.Fill(&written)
		require.Len(t, written.Parts, len(again.Parts))
		if e, ok := parts.Outbox().First(); ok {
			require.NoError(t, troupe.CheckName("event", e.Event))
			require.False(t, wire.ParsePlace(wire.EventHeader(e.Place(), e.Except)).IsZero() && e.Previous == 0)
		}
	})
}
