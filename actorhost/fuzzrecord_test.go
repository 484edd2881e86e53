package actorhost_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

// recordFields are those of a record, as the kinds of FuzzRecord name them: what is in bytes, and what is not.
var recordFields = []struct {
	name    string
	inBytes bool
}{
	{"", false}, {"state", true}, {"answers", true}, {"follows", true}, {"events", false}, {"outbox", false}, {"needs", false}, {"timers", false},
}

// recordOfKind is a record of a probe with data as one of its fields, or data for a record.
func recordOfKind(tb testing.TB, kind byte, data []byte) []byte {
	tb.Helper()
	field := recordFields[int(kind)%len(recordFields)]
	if field.name == "" {
		return data
	}
	whole, state := codec.AppendMap(nil, 4), encoded(tb, fields{"Calls": 1, "Heard": 0})
	if field.name == "state" {
		whole, state = codec.AppendMap(nil, 3), data
	}
	whole = codec.AppendString(codec.AppendString(whole, "owner"), "gone")
	whole = codec.AppendTrue(codec.AppendString(whole, "created"))
	whole = codec.AppendBytes(codec.AppendString(whole, "state"), state)
	switch {
	case field.name == "state":
		return whole
	case field.inBytes:
		return codec.AppendBytes(codec.AppendString(whole, field.name), data)
	}
	return append(codec.AppendString(whole, field.name), data...)
}

// watcher hears all that is published on a server.
type watcher struct {
	nc  *nats.Conn
	sub *nats.Subscription
	ns  wire.Namespace
}

func (s *hostileServer) watch(tb testing.TB) *watcher {
	tb.Helper()
	w := &watcher{nc: s.connect(tb)}
	var err error
	w.ns, err = wire.NewNamespace("")
	require.NoError(tb, err)
	w.sub, err = w.nc.SubscribeSync(">")
	require.NoError(tb, err)
	require.NoError(tb, w.sub.SetPendingLimits(-1, -1))
	require.NoError(tb, w.nc.Flush())
	return w
}

var othersSubjects = regexp.MustCompile(`^(\$(KV|JS|SRV)\.|_INBOX\.|troupe\.(journal\.[\w-]+\.[01]|host\.[\w-]+\.(ping|batch|info)(\..+)?)$)`)

// requireLegal checks the subjects of all that was published until now.
func (w *watcher) requireLegal(tb testing.TB) {
	tb.Helper()
	require.NoError(tb, w.nc.Flush())
	for pending, _, _ := w.sub.Pending(); pending > 0; pending, _, _ = w.sub.Pending() {
		msg, err := w.sub.NextMsg(time.Second)
		require.NoError(tb, err)
		if othersSubjects.MatchString(msg.Subject) {
			continue
		}
		if target, ok := w.ns.ParseCall(msg.Subject); ok {
			_, err := troupe.ParseID(target.Tokens)
			require.NoError(tb, err, msg.Subject)
			continue
		}
		_, event, ok := w.ns.ParseEvent(msg.Subject)
		if !ok {
			_, event, ok = w.ns.ParseLog(msg.Subject)
		}
		require.True(tb, ok, "%q is published", msg.Subject)
		require.NoError(tb, troupe.CheckName("event", event), msg.Subject)
	}
}

// FuzzRecord replaces the record of an actor that sleeps, or one field of it. The next calls say that the record is corrupt,
// and leave it as it is, or are answered. Nothing else comes of it: the host goes on, and publishes what is legal.
func FuzzRecord(f *testing.F) {
	s := startHostileServer(f)
	nc, watcher := s.connect(f), s.watch(f)
	seedRecords(f)
	actors := 0
	f.Fuzz(func(t *testing.T, kind byte, data []byte) {
		actors++
		key := strconv.Itoa(actors)
		request := func(action string, in any) *troupe.Error {
			t.Helper()
			msg := &nats.Msg{Subject: "troupe.route.probe." + key + "." + action, Header: nats.Header{wire.HeaderRequestID: {"id"}}}
			msg.Header.Set(wire.HeaderTimeout, "2000")
			if in != nil {
				msg.Data = encoded(t, in)
			}
			reply, err := nc.RequestMsg(msg, 10*time.Second)
			require.NoError(t, err)
			return wire.DecodeError(reply)
		}
		data = recordOfKind(t, kind, data)
		_, err := nc.Request("$KV.troupe-actors.probe."+key, data, 10*time.Second)
		require.NoError(t, err)
		refused := false
		for _, step := range []struct {
			action string
			in     any
		}{
			{wire.PositionAction, "kept"},
			{"none", nil},
			{wire.NoticeAction, wire.Notice{Source: "probe.alive", Event: "kept", Sequence: 1}},
			{"announce", nil},
			{wire.PositionAction, "kept"},
			{troupe.SleepAction, nil},
			{"none", nil},
		} {
			failed := request(step.action, step.in)
			if failed == nil {
				continue
			}
			require.Contains(t, []troupe.Code{
				troupe.CodeStateCorrupt, troupe.CodeRequestReused, troupe.CodeAnswerLost, troupe.CodeUnavailable, troupe.CodeNotFound,
			}, failed.Code, failed.Message)
			require.NotContains(t, failed.Message, "panic")
			if step.action == "none" {
				refused = failed.Code == troupe.CodeStateCorrupt || failed.Code == troupe.CodeUnavailable && strings.Contains(failed.Message, "needs")
			}
		}
		if refused {
			stored, err := nc.Request("$JS.API.DIRECT.GET.KV_troupe-actors.$KV.troupe-actors.probe."+key, nil, 10*time.Second)
			require.NoError(t, err)
			require.Equal(t, data, stored.Data, "not a byte is changed")
		}
		if failed := request(troupe.SleepAction, nil); failed != nil { // nothing of it stays awake
			require.Equal(t, troupe.CodeNotFound, failed.Code)
		}
		watcher.requireLegal(t)
		s.requireUnharmed(t)
	})
}

// seedRecords adds good records, and those that have ended hosts.
func seedRecords(f *testing.F) {
	f.Helper()
	state, at := encoded(f, fields{"Calls": 1, "Heard": 0}), fields{"epoch": 1, "sequence": 2}
	with := func(name string, value any) []byte {
		return encoded(f, fields{"owner": "gone", "epoch": 3, "created": true, "state": state, name: value})
	}
	follows := func(events any) []byte { return encoded(f, fields{"probe.alive": events}) }
	kept := encoded(f, fields{"kept": []fields{{"c": 1, "n": 2, "o": []byte("x"), "g": "id"}}, "callers": map[uint64]fields{1: {"f": 1, "h": 2}}})
	event := []fields{{"event": "kept", "position": at, "previous": 1, "payload": []byte{1}, "except": "c1"}}
	heard := follows(fields{"c": 0, "e": fields{"kept": fields{"f": 0, "l": at}}})
	// What was found on the way: a nil subscription, one without its events, protocol for a name, a nil caller, an owner that
	// is none, lengths beyond the end, and types that are others.
	lines := "a\r\nPUB troupe.stray 0\r\n\r\n"
	for _, whole := range [][]byte{
		with("answers", kept), with("follows", heard), with("events", fields{"kept": at}), with("outbox", event),
		with("needs", []string{"timers"}), with("timers", fields{"a": 1}), encoded(f, fields{"owner": "gone"}),
		with("follows", follows(nil)), with("follows", follows(fields{"c": 1})), with("owner", lines),
		with("outbox", []fields{{"event": lines, "position": at}}), with("events", fields{lines: at}),
		with("answers", encoded(f, fields{"callers": map[uint64]any{1: nil}})),
		with("follows", []byte{0xdf, 0xff, 0xff, 0xff, 0xff}), with("outbox", fields{"kept": at}), with("events", []any{at}),
		{0xdf, 0xff, 0xff, 0xff, 0xff},
	} {
		f.Add(byte(0), whole)
	}
	f.Add(byte(1), state)
	f.Add(byte(2), kept)
	f.Add(byte(3), heard)
	f.Add(byte(3), follows(nil))
	f.Add(byte(4), encoded(f, fields{"kept": at}))
	f.Add(byte(5), encoded(f, event))
	f.Add(byte(5), []byte{0xdd, 0x7f, 0xff, 0xff, 0xff})
	f.Add(byte(6), encoded(f, []string{"timers"}))
	f.Add(byte(7), encoded(f, fields{"a": nil}))
}
