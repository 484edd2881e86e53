package actorhost_test

import (
	"fmt"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

// TestTenantsDoNotMeetEachOthersIDs: each account has request ids of its own, whatever its programs claim to be.
func TestTenantsDoNotMeetEachOthersIDs(t *testing.T) {
	t.Parallel()
	imports := `imports: [{service: {account: HOSTS, subject: "troupe.call.>"}}, {service: {account: HOSTS, subject: "troupe.route.>"}}]`
	hub := topology{hub: fmt.Sprintf(`accounts {
		HOSTS {jetstream: enabled, users: [{user: host, password: p}], exports: [{service: "troupe.call.>"}, {service: "troupe.route.>"}]}
		ANN {users: [{user: ann, password: p}], %[1]s}
		BOB {users: [{user: bob, password: p}], %[1]s}
	}`, imports)}
	s := hub.start(t, counters())
	s.host()
	ask := func(nc *nats.Conn, claims string) int {
		t.Helper()
		msg := nats.NewMsg("troupe.route.counter.a.add")
		msg.Data = []byte{1}
		msg.Header.Set(wire.HeaderRequestID, "order-1")
		if claims != "" {
			msg.Header.Set(wire.HeaderRequestInfo, claims)
		}
		reply, err := nc.RequestMsg(msg, 10e9)
		require.NoError(t, err)
		require.Nil(t, wire.DecodeError(reply))
		var sum int
		require.NoError(t, codec.MsgPack.Unmarshal(reply.Data, &sum))
		return sum
	}
	ann, bob := s.connect(s.callers, "ann"), s.connect(s.callers, "bob")
	for range 2 {
		require.Equal(t, 1, ask(ann, ""))
		require.Equal(t, 2, ask(bob, ""))
		require.Equal(t, 2, ask(bob, `{"acc":"ANN"}`))
		got, err := add.Call(troupe.WithRequestID(t.Context(), "order-1"), troupe.GetOrCreate[counter](s.own, "a"), 1)
		require.NoError(t, err)
		require.Equal(t, 3, got)
	}
	require.Equal(t, server.ClientInfoHdr, wire.HeaderRequestInfo)
}
