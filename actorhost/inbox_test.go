package actorhost_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/internal/wire"
)

// TestForwardsAreAnsweredAtInboxesOnly asks a host to answer where its caller may not publish.
func TestForwardsAreAnsweredAtInboxesOnly(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	host := b.Host(counters())
	victim := troupe.GetOrCreate[counter](b.Client, "victim")
	require.NoError(t, call(t.Context(), add, victim, 5))
	nc := b.Connect()
	spy, err := nc.SubscribeSync("troupe.event.counter.victim.*")
	require.NoError(t, err)
	require.NoError(t, nc.Flush())

	for _, reply := range []string{
		"$JS.API.STREAM.DELETE.KV_troupe-actors", "$KV.troupe-actors.counter.victim", "$KV.troupe-hosts." + host.ID(),
		"troupe.route.counter.victim.add", "troupe.call.counter.victim.add", "troupe.event.counter.victim.said",
		"_INBOX.x troupe.route.counter.victim.add", "_INBOX.x\r", "",
	} {
		forward := nats.NewMsg("troupe.host." + host.ID() + ".call.counter.a.get")
		forward.Header[wire.HeaderReplyTo] = []string{reply}
		for _, msg := range []*nats.Msg{
			forward, {Subject: "troupe.host." + host.ID() + ".call.counter.a.get", Reply: reply},
			{Subject: "troupe.route.counter.a.get", Reply: reply}, {Subject: "troupe.route.counter.a.destroy", Reply: reply},
			{Subject: "troupe.host." + host.ID() + ".ping", Reply: reply},
		} {
			if msg.Reply == "" || msg.Reply[0] != '_' { // which this connection would not let through
				require.NoError(t, nc.PublishMsg(msg))
			}
		}
	}
	_, err = nc.Request("troupe.route.counter.a.get", nil, 5*time.Second)
	require.NoError(t, err)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	_, err = js.Stream(t.Context(), "KV_troupe-actors")
	require.NoError(t, err)
	got, err := get.Call(t.Context(), victim, nil)
	require.NoError(t, err)
	require.Equal(t, 5, got)
	require.Zero(t, pending(t, spy))
}

func pending(t *testing.T, sub *nats.Subscription) int {
	t.Helper()
	messages, _, err := sub.Pending()
	require.NoError(t, err)
	return messages
}

// TestForwardsCarryTheProtocolsHeadersOnly has a host forward a call with a header that the library does not send, and one
// that the server would act upon with the permissions of the host.
func TestForwardsCarryTheProtocolsHeadersOnly(t *testing.T) {
	t.Parallel()
	s := startHostileServer(t)
	require.NoError(t, call(t.Context(), takeNone, troupe.GetOrCreate[probe](s.client, "a"), nil))
	other, err := actorhost.Start(t.Context(), s.connect(t), actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, probes())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, other.Stop(context.Background())) })
	nc := s.connect(t)
	spy, err := nc.SubscribeSync("troupe.host." + s.id + ".call.>")
	require.NoError(t, err)
	require.NoError(t, nc.Flush())
	w := s.wire(t)
	code, _ := w.send(t, hostileCase{
		subject: "troupe.host." + other.ID() + ".call.probe.a.int", reply: "none", body: text("1"), want: "ok",
		header: "X Y: 1\r\nNats-Trace-Dest: trace\r\nTroupe-Reply-To: INBOX.x\r\nContent-Type: application/json\r\nTroupe-Request-Id: id\r\n",
	})
	require.Equal(t, "ok", code)
	msg, err := spy.NextMsg(10 * time.Second)
	require.NoError(t, err)
	delete(msg.Header, wire.HeaderTimeout)
	reply := msg.Header[wire.HeaderReplyTo]
	require.Len(t, reply, 1)
	require.Equal(t, nats.Header{wire.HeaderContentType: {"application/json"}, wire.HeaderRequestID: {"id"}, wire.HeaderReplyTo: reply}, msg.Header)
}
