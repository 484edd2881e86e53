package client_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/wire"
)

// FuzzReply has a responder answer anything. A call gets its output or an error of ours, within its time, and the client
// goes on.
func FuzzReply(f *testing.F) {
	b := hosttest.Start(f)
	cl := b.NewClient(client.Config{Timeout: 20 * time.Millisecond})
	nc := b.Connect()
	var answer atomic.Pointer[nats.Msg]
	_, err := nc.Subscribe("troupe.*.shelf.a.*", func(msg *nats.Msg) {
		_ = nc.PublishMsg(&nats.Msg{Subject: msg.Reply, Header: answer.Load().Header, Data: answer.Load().Data})
	})
	require.NoError(f, err)
	_, err = nc.Subscribe("troupe.*.shelf.good.put", func(msg *nats.Msg) { _ = msg.Respond([]byte{7}) })
	require.NoError(f, err)
	require.NoError(f, nc.Flush())
	f.Add(byte(1), "", "", "", "", "", []byte{1})
	f.Add(byte(1), "full", "full: no room", "", "", "application/json", []byte(`{"code":"full","message":"no room","metadata":{"a":[1]}}`))
	f.Add(byte(1), "unavailable", "", "1", "", "", []byte(nil))
	f.Add(byte(1), "", "", "", "503", "", []byte(nil))
	f.Add(byte(1), "", "bad day", "1", "1", "x", []byte{0xdd, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, kind byte, code, text, retryable, status, contentType string, body []byte) {
		header := nats.Header{}
		for name, value := range map[string]string{
			wire.HeaderErrorCode: code, wire.HeaderServiceError: text, wire.HeaderRetryable: retryable, "Status": status,
			wire.HeaderContentType: contentType,
		} {
			if value != "" {
				header[name] = []string{value}
			}
		}
		answer.Store(&nats.Msg{Header: header, Data: body})
		outs := []any{nil, new(int), new(any), new([]book), new(troupe.None)}
		if err := cl.Actor("shelf", "a").Call(context.Background(), "put", nil, outs[int(kind)%len(outs)]); err != nil {
			known, ok := err.(*troupe.Error) //nolint:errorlint // it is one itself
			require.True(t, ok, "%T", err)
			require.NoError(t, troupe.CheckName("error code", string(known.Code)))
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		var got int
		require.NoError(t, cl.Actor("shelf", "good").Call(ctx, "put", nil, &got))
		require.Equal(t, 7, got)
	})
}
