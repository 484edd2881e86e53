package actorhost_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
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
