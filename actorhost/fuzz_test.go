package actorhost_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

// FuzzHost sends anything to a live host: it stays the same host on the same connection, and an actor answers at once.
func FuzzHost(f *testing.F) {
	s := startHostileServer(f)
	w := s.wire(f)
	prefixes := []string{
		"troupe.route.probe.", "troupe.call.probe.alive.", "troupe.host." + s.id + ".", "troupe.host." + s.id + ".call.probe.",
		"troupe.event.probe.", "$KV.troupe-actors.probe.",
	}
	kinds := map[string]byte{"route.probe": 0, "call.probe": 1, "host.": 2, "event.probe": 4}
	for i, c := range hostileCases("H") {
		if c.size() > 4096 || i%3 > 0 { // the table has its own test
			continue
		}
		for kind, prefix := range kinds {
			if suffix, ok := strings.CutPrefix(c.subject, "troupe."+kind+"."); ok && !strings.Contains(suffix, "H.") {
				f.Add(prefix, suffix, strings.ReplaceAll(c.reply, "INBOX", "_INBOX.wire"), c.header, c.body())
			}
		}
	}
	f.Add(byte(3), "a.int", "_INBOX.wire.x", "Troupe-Reply-To: _INBOX.wire.y\r\nTroupe-Chain: x,y\r\n", []byte{1})
	f.Add(byte(5), "a", "", "", encoded(f, fields{"owner": "gone", "created": true, "state": encoded(f, fields{"Calls": 1})}))
	f.Add(byte(0), "a._sleep", "_INBOX.wire.x.id.1.1", "Troupe-Attempt: 2\r\n", []byte(nil))
	f.Add(byte(0), "a._create", "_INBOX.wire.x", "Troupe-Request-Id: x\r\nTroupe-Existing: 1\r\nTroupe-Timeout: 5\r\n", []byte(nil))
	sent := 0
	f.Fuzz(func(t *testing.T, kind byte, suffix, reply, header string, body []byte) {
		subject := prefixes[int(kind)%len(prefixes)] + suffix
		if !sendable(subject) || reply != "" && !sendable(reply) || strings.HasPrefix(suffix, "alive.") || suffix == "alive" {
			t.Skip("the server would not let it through, or it is meant for the actor that must stay alive")
		}
		sent++
		after := "_INBOX.wire.after." + strconv.Itoa(sent)
		require.NoError(t, w.conn.SetDeadline(time.Now().Add(10*time.Second)))
		w.publish(t, subject, reply, header, body)
		w.publish(t, "troupe.route.probe.alive.none", after, "", nil)
		for answer := w.read(t); answer.Subject != after || replyCode(answer) != "ok"; {
			answer = w.read(t)
		}
		require.Equal(t, s.id, s.host.ID())
		require.Zero(t, s.nc.Stats().Reconnects)
	})
}

// sendable reports whether a client can send a subject without ending its own connection.
func sendable(subject string) bool {
	for token := range strings.SplitSeq(subject, ".") {
		if token == "" || token == "*" || token == ">" {
			return false
		}
	}
	return len(subject) < 1500 && !strings.ContainsFunc(subject, func(r rune) bool { return r <= ' ' || r == 0x7f })
}

// FuzzStoredActor replaces the record of an actor that sleeps, or what it has as its state or answers. The next call says
// that the record is corrupt, or is answered.
func FuzzStoredActor(f *testing.F) {
	s := startHostileServer(f)
	nc := s.connect(f)
	state := encoded(f, fields{"Calls": 1, "Heard": 0})
	kept := encoded(f, fields{"kept": []fields{{"c": 1, "n": 2, "o": []byte("x"), "g": "id"}}, "callers": map[uint64]fields{1: {"f": 1, "h": 2}}})
	f.Add(byte(0), encoded(f, fields{"owner": "gone", "epoch": 3, "created": true, "state": state, "answers": kept}))
	f.Add(byte(0), encoded(f, fields{"owner": "gone"}))
	f.Add(byte(1), state)
	f.Add(byte(2), kept)
	f.Add(byte(2), encoded(f, fields{"callers": map[uint64]any{1: nil}}))
	actors := 0
	f.Fuzz(func(t *testing.T, kind byte, data []byte) {
		actors++
		key := strconv.Itoa(actors)
		record := fields{"owner": "gone", "created": true, "state": state}
		switch kind % 3 {
		case 1:
			record["state"] = data
		case 2:
			record["answers"] = data
		}
		if kind%3 > 0 {
			data = encoded(t, record)
		}
		_, err := nc.Request("$KV.troupe-actors.probe."+key, data, 10*time.Second)
		require.NoError(t, err)
		request := &nats.Msg{Subject: "troupe.route.probe." + key + ".none", Header: nats.Header{wire.HeaderRequestID: {"id"}}}
		reply, err := nc.RequestMsg(request, 10*time.Second)
		require.NoError(t, err)
		if failed := wire.DecodeError(reply); failed != nil {
			require.Contains(t, []troupe.Code{troupe.CodeStateCorrupt, troupe.CodeRequestReused, troupe.CodeAnswerLost}, failed.Code, failed.Message)
		}
		// Nothing of it stays awake.
		_, err = nc.Request("troupe.route.probe."+key+"._sleep", nil, 10*time.Second)
		require.NoError(t, err)
		require.Equal(t, s.id, s.host.ID())
		require.Zero(t, s.nc.Stats().Reconnects)
	})
}
