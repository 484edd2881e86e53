package actorhost_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// A host publishes answers with its own rights, to wherever the caller says.
func TestAnswersGoToInboxesOnly(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	host := b.Host(counters())
	nc := b.Connect()
	victims := []string{"$FORGED.api", "troupe.event.counter.b.added", "troupe.route.counter.b.add", "troupe.host." + host.ID() + ".ping"}
	var reached []*nats.Subscription
	for _, victim := range victims[:2] {
		sub, err := nc.SubscribeSync(victim)
		require.NoError(t, err)
		reached = append(reached, sub)
	}
	ref := troupe.GetOrCreate[counter](b.Client, "a")
	require.NoError(t, call(t.Context(), add, ref, 1)) // awake
	for _, victim := range victims {
		for _, msg := range []*nats.Msg{
			{Subject: "troupe.route.counter.a.add", Data: []byte{7}},
			{Subject: "troupe.call.counter.a.add", Data: []byte{7}},
			{Subject: "troupe.route.counter.a.unknown"},
			{Subject: "troupe.route.counter.a.add", Header: nats.Header{"Content-Type": {"no/thing"}}},
			{Subject: "troupe.host." + host.ID() + ".ping"},
			{Subject: "troupe.host." + host.ID() + ".unknown"},
			{Subject: "troupe.host." + host.ID() + ".call.counter.a.add", Data: []byte{7}},
			{Subject: "troupe.host." + host.ID() + ".call.counter.a.add", Header: nats.Header{"Troupe-Reply-To": {victim}}, Data: []byte{7}},
		} {
			if msg.Header.Get("Troupe-Reply-To") == "" {
				msg.Reply = victim
			}
			require.NoError(t, nc.PublishMsg(msg))
		}
	}
	// What the host has done before it answers this, it has sent before.
	reply, err := nc.Request("troupe.route.counter.a.get", nil, 10*time.Second)
	require.NoError(t, err)
	require.Equal(t, []byte{1}, reply.Data, "none of them has run")
	require.NoError(t, nc.Flush())
	for _, sub := range reached {
		pending, _, err := sub.Pending()
		require.NoError(t, err)
		require.Zero(t, pending, sub.Subject)
	}
	require.ErrorIs(t, call(t.Context(), get, troupe.Get[counter](b.Client, "b"), nil), troupe.ErrNotFound)
}

func TestReplyToIsForForwardedCallsOnly(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, counters())
	nc := b.Connect()
	sub, err := nc.SubscribeSync("_INBOX.victim")
	require.NoError(t, err)
	for _, subject := range []string{"troupe.route.counter.a.add", "troupe.call.counter.a.add"} {
		_, err := nc.RequestMsg(&nats.Msg{Subject: subject, Header: nats.Header{"Troupe-Reply-To": {"_INBOX.victim"}}, Data: []byte{1}}, 10*time.Second)
		require.NoError(t, err)
	}
	require.NoError(t, nc.Flush())
	pending, _, err := sub.Pending()
	require.NoError(t, err)
	require.Zero(t, pending)
}

func TestForwardedCallsAskNothingOfNATS(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	b.Host(counters())
	b.Host(counters())
	nc := b.Connect()
	forwards, err := nc.SubscribeSync("troupe.host.*.call.>")
	require.NoError(t, err)
	for pending := 0; pending == 0; pending, _, err = forwards.Pending() { // until the host that was not asked first is asked
		require.NoError(t, err)
		msg := nats.NewMsg("troupe.route.counter.a.add")
		msg.Data = []byte{1}
		for _, key := range []string{"Nats-Trace-Dest", "nats-trace-only", "Troupe-Reply-To", "Troupe-Request-Id"} {
			msg.Header[key] = []string{"forged"}
		}
		_, err := nc.RequestMsg(msg, 10*time.Second)
		require.NoError(t, err)
	}
	forward, err := forwards.NextMsg(10 * time.Second)
	require.NoError(t, err)
	for key, values := range forward.Header {
		require.False(t, strings.HasPrefix(strings.ToLower(key), "nats-"), "%s: %v", key, values)
	}
	require.Equal(t, "forged", forward.Header.Get("Troupe-Request-Id"))
	require.NotEqual(t, "forged", forward.Header.Get("Troupe-Reply-To"))
}
