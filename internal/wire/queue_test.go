package wire_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

func TestSubjectsOfMessages(t *testing.T) {
	t.Parallel()
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	for _, key := range [][]string{{"main"}, {"org1", "a.b"}, {}} {
		id, err := troupe.NewID("mailer", key...)
		require.NoError(t, err)
		for kind, subject := range map[string]string{
			"later": ns.Later(id, "send", "p1"), "ripe": ns.Ripe(id, "send", "p1"), "dead": ns.Dead(id, "send", "p1"),
		} {
			found, queue, message, ok := ns.ParseMoved(subject, kind)
			require.True(t, ok, subject)
			require.Equal(t, id, found)
			require.Equal(t, []string{"send", "p1"}, []string{queue, message})
			_, _, _, ok = ns.ParseMoved(subject, "due")
			require.False(t, ok, subject)
		}
	}
	for _, subject := range []string{
		"", "troupe.later", "troupe.later.mailer", "troupe.later.mailer.send", "troupe.later.mailer.main.send.", "troupe.later.mailer..send.p1",
		"troupe.later.mailer.main.se$nd.p1", "troupe.later.mailer.main.send.a b", "other.later.mailer.main.send.p1",
		"troupe.later.mailer.main.send." + strings.Repeat("p", 65), "troupe.ripe._stuck",
	} {
		_, _, _, ok := ns.ParseMoved(subject, "later")
		require.False(t, ok, subject)
	}
	_, _, ok := ns.ParseQueue("troupe.queue.mailer.main.no$name")
	require.False(t, ok)
}

func TestMessageID(t *testing.T) {
	t.Parallel()
	now := time.Now()
	plain := wire.MessageID(nil, now, 7)
	require.Equal(t, plain, wire.MessageID(nats.Header{"Content-Type": {"application/json"}}, now, 7))
	require.NotEqual(t, plain, wire.MessageID(nil, now, 8))
	require.NotEqual(t, plain, wire.MessageID(nil, now.Add(1), 7), "of another stream")
	named := wire.MessageID(nats.Header{"Troupe-Push-Id": {"order-17"}}, now, 7)
	require.Equal(t, named, wire.MessageID(nats.Header{"Troupe-Push-Id": {"order-17"}, "Nats-Msg-Id": {"x"}}, now.Add(time.Hour), 9))
	require.Equal(t, named, wire.MessageID(nats.Header{"Nats-Msg-Id": {"order-17"}}, now, 1))
	require.NotEqual(t, named, wire.NamedMessage("order-18"))
	for _, id := range []string{plain, named, wire.NamedMessage(strings.Repeat("é ", 500))} {
		require.True(t, wire.IsMessageID(id), id)
	}
}
