package wire_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/rpc"
	"github.com/troupe-go/troupe/internal/wire"
)

func TestParseRequestID(t *testing.T) {
	t.Parallel()
	for _, none := range []string{
		"", "a", "_INBOX.a", "_INBOX.a.b", "_INBOX.a.1.2", "_INBOX.a.id.1", "_INBOX.a.id.1.", "_INBOX.a.id..1",
		"_INBOX.a.id.1.2", "_INBOX.a.id.0.0", "_INBOX.a.id.-1.0", "id.2.1", "_INBOX.a.xid.2.1",
	} {
		_, ok := wire.ParseRequestID(none)
		require.False(t, ok, none)
	}
	id, ok := wire.ParseRequestID("_INBOX.a.id.z.y")
	require.True(t, ok)
	require.Equal(t, uint64(35), id.Number)
	require.Equal(t, uint64(34), id.Floor)
	other, ok := wire.ParseRequestID("_INBOX.b.id.z.y")
	require.True(t, ok)
	require.NotEqual(t, id.Caller, other.Caller)
}

// TestRequestsTellWhatTheirCallerStillWaitsFor looks at the reply subjects from the receiver's side.
func TestRequestsTellWhatTheirCallerStillWaitsFor(t *testing.T) {
	t.Parallel()
	nc := bustest.Connect(t)
	r, err := rpc.NewRequester(nc)
	require.NoError(t, err)
	_, err = nc.Subscribe("actor.*", func(msg *nats.Msg) {
		reply := &nats.Msg{Data: []byte(msg.Reply), Header: nats.Header{"Last": {"not yet"}}}
		if string(msg.Data) == "end" {
			reply.Header = nil
		}
		_ = msg.RespondMsg(reply)
	})
	require.NoError(t, err)
	do := func(q *rpc.Request, to, what string) wire.RequestID {
		reply, err := q.Do(t.Context(), &wire.Message{Subject: "actor." + to, Data: []byte(what)}, time.Now().Add(10*time.Second))
		require.NoError(t, err)
		id, ok := wire.ParseRequestID(string(reply.Data))
		require.True(t, ok)
		return id
	}
	begin := func(to string) (*rpc.Request, wire.RequestID) {
		q, err := r.Begin(to, time.Now())
		require.NoError(t, err)
		return q, do(q, to, "")
	}
	first, firstID := begin("a")
	require.Equal(t, firstID.Number, firstID.Floor)
	for i := range 1 << 17 { // more actors than are remembered
		q, err := r.Begin(strconv.Itoa(i), time.Now())
		require.NoError(t, err)
		q.End()
	}
	second, secondID := begin("a")
	require.Greater(t, secondID.Number, firstID.Number)
	require.Equal(t, firstID.Number, secondID.Floor)
	elsewhere, elsewhereID := begin("b")
	require.Equal(t, elsewhereID.Number, elsewhereID.Floor, "another actor's answers are no concern of this one")
	require.Equal(t, firstID.Caller, elsewhereID.Caller)
	require.Equal(t, firstID, do(first, "a", ""))
	first.End()
	third, thirdID := begin("a")
	require.Equal(t, secondID.Number, thirdID.Floor)
	require.Equal(t, secondID, do(second, "a", "end"))
	fourth, fourthID := begin("a")
	require.Equal(t, thirdID.Number, fourthID.Floor, "it has its last reply, though it has not ended")
	for _, q := range []*rpc.Request{fourth, third, second, elsewhere} {
		q.End()
	}
	_, last := func() (*rpc.Request, wire.RequestID) { q, id := begin("a"); q.End(); return q, id }()
	require.Equal(t, last.Number, last.Floor)
	require.Zero(t, r.Waiting())
	require.NoError(t, r.Close())
}
