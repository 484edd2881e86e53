package actorhost_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

func askService[T any](t *testing.T, nc *nats.Conn, subject string) (answer T) {
	t.Helper()
	reply, err := nc.Request(subject, nil, 10*time.Second)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(reply.Data, &answer))
	return answer
}

func TestHostsAreServices(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	host, nc := b.Host(counters()), b.Connect()
	id := host.ID()
	for _, subject := range []string{"$SRV.PING", "$SRV.PING.troupe", "$SRV.PING.troupe." + id} {
		ping := askService[micro.Ping](t, nc, subject)
		require.Equal(t, micro.PingResponseType, ping.Type)
		require.Equal(t, "troupe", ping.Name)
		require.Equal(t, id, ping.ID)
		require.Regexp(t, `^\d+\.\d+\.\d+`, ping.Version)
	}
	info := askService[micro.Info](t, nc, "$SRV.INFO.troupe."+id)
	require.Equal(t, micro.InfoResponseType, info.Type)
	require.Len(t, info.Endpoints, 11)
	require.Equal(t, micro.EndpointInfo{
		Name: "counter-add", Subject: "troupe.route.counter.>", QueueGroup: "hosts",
		Metadata: map[string]string{"actor_type": "counter", "action": "add"},
	}, info.Endpoints[0])

	other := b.Host(counters())
	heard := make(map[string]bool)
	inbox, err := nc.SubscribeSync(nc.NewInbox())
	require.NoError(t, err)
	require.NoError(t, nc.PublishRequest("$SRV.PING.troupe", inbox.Subject, nil))
	for range 2 {
		msg, err := inbox.NextMsg(10 * time.Second)
		require.NoError(t, err)
		var ping micro.Ping
		require.NoError(t, json.Unmarshal(msg.Data, &ping))
		heard[ping.ID] = true
	}
	require.Equal(t, map[string]bool{id: true, other.ID(): true}, heard)
	b.Stop(other)
	_, err = nc.Request("$SRV.PING.troupe."+other.ID(), nil, 10*time.Second)
	require.ErrorIs(t, err, nats.ErrNoResponders)
}

func TestHostsCountTheirCalls(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	host, nc := b.Host(counters()), b.Connect()
	ref := troupe.GetOrCreate[counter](b.Client, "a")
	stats := func(action string) *micro.EndpointStats {
		for _, endpoint := range askService[micro.Stats](t, nc, "$SRV.STATS.troupe."+host.ID()).Endpoints {
			if endpoint.Name == "counter-"+action {
				return endpoint
			}
		}
		return nil
	}
	for range 3 {
		require.NoError(t, call(t.Context(), add, ref, 1))
	}
	require.ErrorIs(t, call(t.Context(), fail, ref, "user"), errRefused)
	require.NoError(t, call(t.Context(), slow, ref, 20*time.Millisecond))
	_, err := nc.Request("troupe.route.counter.a.add", []byte{0xc1}, 10*time.Second) // no msgpack
	require.NoError(t, err)
	_, err = nc.RequestMsg(&nats.Msg{Subject: "troupe.route.counter.a.get", Header: nats.Header{"Troupe-Timeout": {"0"}}}, 10*time.Second)
	require.NoError(t, err)

	added := stats("add")
	require.Equal(t, 4, added.NumRequests)
	require.Equal(t, 1, added.NumErrors)
	require.Contains(t, added.LastError, "bad_input: ")
	failed := stats("fail")
	require.Equal(t, 1, failed.NumRequests)
	require.Equal(t, 1, failed.NumErrors)
	require.Equal(t, errRefused.Error(), failed.LastError)
	slept := stats("slow")
	require.GreaterOrEqual(t, slept.ProcessingTime, 20*time.Millisecond)
	require.Equal(t, slept.ProcessingTime, slept.AverageProcessingTime)
	require.Zero(t, slept.NumErrors)
	require.Empty(t, slept.LastError)
	late := stats("get")
	require.Equal(t, 1, late.NumErrors)
	require.Contains(t, late.LastError, "deadline_exceeded: ")
	require.Zero(t, late.ProcessingTime)
	require.Nil(t, stats("_sleep"))
}
