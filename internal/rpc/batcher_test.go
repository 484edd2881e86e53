package rpc_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/rpc"
	"github.com/troupe-go/troupe/internal/wire"
)

// batcher returns a Batcher for names as receivers, and what subscribes to their subjects.
func batcher(t *testing.T, nc *nats.Conn) (*rpc.Batcher, func(subject string) *nats.Subscription) {
	t.Helper()
	g := rpc.NewBatcher(nc, rpc.BatcherConfig{
		Subject: func(to string) string { return to + "batch" },
		Short:   true,
		Failed:  func(to string, _ uint64, err error) { t.Errorf("sending to %s: %v", to, err) },
	})
	return g, func(subject string) *nats.Subscription {
		sub, err := nc.SubscribeSync(subject)
		require.NoError(t, err)
		return sub
	}
}

func TestBatcherSendsTogetherAndInOrder(t *testing.T) {
	t.Parallel()
	nc := bustest.Connect(t)
	g, subscribe := batcher(t, nc)
	ann, bob := subscribe("ann.>"), subscribe("bob.>")
	const messages = 600
	header := wire.Header{{Name: "K", Value: "v"}, {Name: "K", Value: "w"}, {Name: "L"}}
	var got, want []string
	for i := range messages {
		msg := &wire.Message{Subject: "ann.id", Reply: "r", Header: header, Data: []byte{byte(i), byte(i >> 8)}}
		if i%100 == 50 {
			msg.Data = append(msg.Data, make([]byte, 10<<10)...) // too large to wait
		}
		want = append(want, string(msg.Data))
		require.NoError(t, g.Add("ann.", msg, true, nil))
		clear(msg.Data)
	}
	require.NoError(t, g.Add("bob.", &wire.Message{Subject: "bob.id", Data: []byte("alone")}, false, nil))
	require.NoError(t, nc.Flush())

	for len(got) < messages {
		msg, err := ann.NextMsg(10 * time.Second)
		require.NoError(t, err)
		all := []wire.Message{wire.MessageOf(msg)}
		if msg.Subject == "ann.batch" {
			require.LessOrEqual(t, len(msg.Data), 32<<10)
			all, err = wire.ParseBatch(nil, msg.Data)
			require.NoError(t, err)
			require.Greater(t, len(all), 1)
		}
		for _, one := range all {
			require.Contains(t, []string{"id", "ann.id"}, one.Subject)
			require.Equal(t, "r", one.Reply)
			require.ElementsMatch(t, header, one.Header)
			got = append(got, string(one.Data))
		}
	}
	require.Equal(t, want, got)
	msg, err := bob.NextMsg(10 * time.Second)
	require.NoError(t, err)
	require.Equal(t, "bob.id", msg.Subject)
	require.Equal(t, "alone", string(msg.Data))
	pending, _, err := ann.Pending()
	require.NoError(t, err)
	require.Zero(t, pending)
}

// TestBatcherFollowsTheServer: a batch that the next server does not take is taken apart.
func TestBatcherFollowsTheServer(t *testing.T) {
	t.Parallel()
	options := &server.Options{}
	srv := bustest.Serve(t, options)
	nc, err := nats.Connect(srv.ClientURL())
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	g, subscribe := batcher(t, nc)
	ann := subscribe("ann.>")
	smaller := options.Clone()
	smaller.MaxPayload = 4 << 10
	require.NoError(t, srv.ReloadOptions(smaller))
	require.NoError(t, nc.ForceReconnect())
	require.Eventually(t, func() bool { return nc.MaxPayload() == 4<<10 && nc.IsConnected() }, 10*time.Second, time.Millisecond)
	const messages = 100
	for range messages {
		require.NoError(t, g.Add("ann.", &wire.Message{Subject: "ann.id", Data: make([]byte, 200)}, true, nil))
	}
	g.Flush()
	for got := 0; got < messages; {
		msg, err := ann.NextMsg(10 * time.Second)
		require.NoError(t, err)
		if msg.Subject == "ann.id" {
			got++
			continue
		}
		all, err := wire.ParseBatch(nil, msg.Data)
		require.NoError(t, err)
		got += len(all)
	}
}
