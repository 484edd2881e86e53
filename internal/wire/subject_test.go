package wire_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

func TestSubjects(t *testing.T) {
	t.Parallel()
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	lobby, err := troupe.NewID("chatRoom", "org1", "lobby")
	require.NoError(t, err)
	single, err := troupe.NewID("clock")
	require.NoError(t, err)
	for want, got := range map[string]string{
		"troupe.call.chatRoom.org1.lobby.send":         ns.Call(lobby, "send"),
		"troupe.route.chatRoom.org1.lobby.send":        ns.Route(lobby, "send"),
		"troupe.route.chatRoom.>":                      ns.RouteType("chatRoom"),
		"troupe.event.chatRoom.org1.lobby.said":        ns.Event(lobby, "said"),
		"troupe.host.h1.>":                             ns.HostAll("h1"),
		"troupe.host.h1.ping":                          ns.Ping("h1"),
		"troupe.host.h1.call.chatRoom.org1.lobby.send": ns.Forward("h1", lobby, "send"),
		"troupe.call.clock.now":                        ns.Call(single, "now"),
	} {
		require.Equal(t, want, got)
	}
	_, err = wire.NewNamespace("a.b")
	require.ErrorIs(t, err, troupe.ErrBadInput)
}

// TestTheLongestSubjectsFit: a server closes the connection on which a line comes that is too long.
func TestTheLongestSubjectsFit(t *testing.T) {
	t.Parallel()
	name := strings.Repeat("n", troupe.MaxNameBytes)
	ns, err := wire.NewNamespace(name)
	require.NoError(t, err)
	key := make([]string, troupe.MaxKeyParts)
	for i := range key {
		key[i] = strings.Repeat("\x00", troupe.MaxKeyBytes/troupe.MaxKeyParts)
	}
	id, err := troupe.NewID(name, key...)
	require.NoError(t, err)
	group, err := troupe.NewActors(name, key...)
	require.NoError(t, err)
	host := strings.Repeat("h", 12)
	for what, subject := range map[string]string{
		"call":         ns.Call(id, name),
		"calls":        ns.Call(id, "*"),
		"route":        ns.Route(id, name),
		"routes":       ns.RouteType(name),
		"event":        ns.Event(id, name),
		"events":       ns.Events(id.Actors(), name),
		"group events": ns.Events(group, name),
		"log":          ns.Log(id, name),
		"forward":      ns.Forward(host, id, name),
		"batch":        ns.Batch(host),
		"ping":         ns.Ping(host),
		"actor info":   ns.ActorInfo(host, id),
		"neighbours":   ns.Neighbours(host, id),
		"host":         ns.HostAll(host),
	} {
		require.LessOrEqual(t, len(subject), wire.MaxSubject, what)
	}
}

func TestParseCall(t *testing.T) {
	t.Parallel()
	ns, err := wire.NewNamespace("app")
	require.NoError(t, err)
	for subject, want := range map[string]wire.Target{
		"app.call.room.lobby.send":         {Tokens: "room.lobby", Action: "send", Direct: true},
		"app.route.room.a.b.c.send":        {Tokens: "room.a.b.c", Action: "send"},
		"app.route.clock.now":              {Tokens: "clock", Action: "now"},
		"app.host.h1.call.room.lobby.send": {Tokens: "room.lobby", Action: "send", Forwarded: true},
	} {
		got, ok := ns.ParseCall(subject)
		require.True(t, ok, subject)
		require.Equal(t, want, got)
	}
	for _, subject := range []string{"", "app", "app.", "app.call", "app.call.", "app.call.now", "app.event.room.a.said", "app.host.h1.ping", "app.host.h1", "apple.call.room.a.send", "other.call.room.a.send"} {
		_, ok := ns.ParseCall(subject)
		require.False(t, ok, subject)
	}
}

func TestInboxes(t *testing.T) {
	t.Parallel()
	ns, err := wire.NewNamespace("app")
	require.NoError(t, err)
	for _, inbox := range []string{"_INBOX.a.b", "a", "apple.b", "_R_.x", "my.$KV", "ä.b", strings.Repeat("x", 1024)} {
		require.True(t, ns.IsInbox(inbox), inbox)
	}
	for _, other := range []string{
		"", "$KV.app-actors.room.a", "$JS.API.STREAM.DELETE.KV_app-actors", "$SYS.x", "app", "app.route.room.a.send", "app.host.h.ping",
		"a b", "a\tb", "a\r\nPUB x 0", "a\x00", "a.*", "a.>", "a..b", ".a", "a.", ".", strings.Repeat("x", 1025),
	} {
		require.False(t, ns.IsInbox(other), other)
	}
}

func TestEverySubjectOfACallIsReadAsThatCall(t *testing.T) {
	t.Parallel()
	name := rapid.StringMatching(`[A-Za-z][A-Za-z0-9_-]{0,20}`)
	rapid.Check(t, func(t *rapid.T) {
		ns, err := wire.NewNamespace(name.Draw(t, "namespace"))
		if err != nil {
			t.Fatal(err)
		}
		id, err := troupe.NewID(name.Draw(t, "type"), rapid.SliceOfN(rapid.StringN(0, 20, 40), 0, 4).Draw(t, "key")...)
		if err != nil {
			t.Fatal(err)
		}
		action := name.Draw(t, "action")
		for _, subject := range []string{ns.Call(id, action), ns.Route(id, action), ns.Forward(name.Draw(t, "host"), id, action)} {
			target, ok := ns.ParseCall(subject)
			if !ok || target.Tokens != id.Tokens() || target.Action != action {
				t.Fatalf("%q is read as %+v", subject, target)
			}
			if strings.ContainsAny(subject, "*> \r\n\t") || len(subject) > 4000 {
				t.Fatalf("%q is no subject", subject)
			}
		}
	})
}

func FuzzParseCall(f *testing.F) {
	f.Add("troupe.call.room.lobby.send")
	f.Add("troupe.host.h1.call.room.=2E.send")
	f.Fuzz(func(t *testing.T, subject string) {
		ns, err := wire.NewNamespace("")
		if err != nil {
			t.Fatal(err)
		}
		target, ok := ns.ParseCall(subject)
		if ok && !strings.HasSuffix(subject, "."+target.Tokens+"."+target.Action) {
			t.Fatalf("%q is read as %+v", subject, target)
		}
	})
}
