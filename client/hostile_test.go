package client_test

import (
	"bytes"
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

// TestHostileReplies has a responder answer what no host does. Each call ends with an error that says so, within its
// time, and the client goes on.
func TestHostileReplies(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	nc := b.Connect()
	header := func(pairs ...string) nats.Header {
		h := nats.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h[pairs[i]] = append(h[pairs[i]], pairs[i+1])
		}
		return h
	}
	bomb, nested := []byte{0xdd, 0xff, 0xff, 0xff, 0xff}, bytes.Repeat([]byte{0x91}, 900<<10)
	failed := func(pairs ...string) nats.Header {
		return header(append([]string{wire.HeaderErrorCode, "full", wire.HeaderServiceError, "full: no room"}, pairs...)...)
	}
	cl := b.NewClient(client.Config{Timeout: 500 * time.Millisecond})
	for name, test := range map[string]struct {
		reply *nats.Msg // nil: none
		want  error
		text  string
	}{
		"nothing":                      {&nats.Msg{}, troupe.ErrInternal, "empty body"},
		"a bomb":                       {&nats.Msg{Data: bomb}, troupe.ErrInternal, "4294967295 declared"},
		"nesting":                      {&nats.Msg{Data: nested}, troupe.ErrInternal, "got an array"},
		"another type":                 {&nats.Msg{Data: []byte("\xa1x")}, troupe.ErrInternal, "expected int"},
		"two values":                   {&nats.Msg{Data: []byte("\x01\x01")}, troupe.ErrInternal, "after the value"},
		"JSON of nesting":              {&nats.Msg{Data: bytes.Repeat([]byte("["), 900<<10), Header: header("Content-Type", "application/json")}, troupe.ErrInternal, "nested deeper"},
		"a content type that is none":  {&nats.Msg{Data: []byte{1}, Header: header("Content-Type", strings.Repeat("x", 900<<10))}, troupe.ErrInternal, "unknown content type"},
		"an error of a bomb":           {&nats.Msg{Data: bomb, Header: failed()}, &troupe.Error{Code: "full"}, "no room"},
		"an error of nesting":          {&nats.Msg{Data: nested, Header: failed("Content-Type", "application/json")}, &troupe.Error{Code: "full"}, "no room"},
		"an error of a long code":      {&nats.Msg{Header: header(wire.HeaderErrorCode, strings.Repeat("x", 900<<10))}, troupe.ErrInternal, ""},
		"an error of no code":          {&nats.Msg{Header: header(wire.HeaderServiceError, "bad day")}, troupe.ErrInternal, "bad day"},
		"an error of another code":     {&nats.Msg{Data: []byte(`{"code":"other","message":"x"}`), Header: failed("Content-Type", "application/json")}, &troupe.Error{Code: "full"}, "no room"},
		"an error without a name":      {&nats.Msg{Header: header(wire.HeaderErrorCode, "a b\xff")}, troupe.ErrInternal, ""},
		"retryable for ever":           {&nats.Msg{Header: header(wire.HeaderErrorCode, "unavailable", wire.HeaderRetryable, "1")}, nil, ""}, // it is refused, or not known, as its time runs out
		"pending for ever":             {&nats.Msg{Header: header(wire.HeaderPending, "1")}, troupe.ErrOutcomeUnknown, ""},
		"pending, with an error in it": {&nats.Msg{Header: failed(wire.HeaderPending, "x")}, troupe.ErrOutcomeUnknown, ""},
		"nobody, with a body":          {&nats.Msg{Data: bomb, Header: header("Status", "503")}, troupe.ErrInternal, ""},
		"no answer":                    {nil, troupe.ErrOutcomeUnknown, ""},
	} {
		var asked atomic.Int64
		sub, err := nc.Subscribe("troupe.*.shelf.a.put", func(msg *nats.Msg) {
			asked.Add(1)
			if test.reply == nil {
				return
			}
			for range 6 { // more than it has room for
				_ = nc.PublishMsg(&nats.Msg{Subject: msg.Reply, Header: test.reply.Header, Data: test.reply.Data})
			}
		})
		require.NoError(t, err)
		require.NoError(t, nc.Flush())
		_, err = put.Call(t.Context(), troupe.GetOrCreate[shelf](cl, "a"), moby)
		require.NoError(t, sub.Unsubscribe())
		require.Error(t, err, name)
		if test.want != nil {
			require.ErrorIs(t, err, test.want, name)
		}
		require.ErrorContains(t, err, test.text, name)
		require.Less(t, len(err.Error()), 2000, name)
		require.Positive(t, asked.Load(), name)
	}
	_, err := nc.Subscribe("troupe.call.shelf.a.put", func(msg *nats.Msg) { _ = msg.Respond([]byte{7}) })
	require.NoError(t, err)
	require.NoError(t, nc.Flush())
	got, err := put.Call(t.Context(), troupe.GetOrCreate[shelf](cl, "a"), moby)
	require.NoError(t, err)
	require.Equal(t, 7, got)
}

// TestHostThatKnowsNoQuestions refuses them, as hosts of before do: the client sends whole calls again.
func TestHostThatKnowsNoQuestions(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	nc := b.Connect()
	questions, whole := 0, 0
	_, err := nc.Subscribe("troupe.call.shelf.a.put", func(msg *nats.Msg) {
		switch attempt := msg.Header.Get(wire.HeaderAttempt); {
		case strings.HasSuffix(attempt, "?"):
			questions++
			refused, err := wire.EncodeError(&troupe.Error{Code: troupe.CodeBadInput,
				Message: `the header Troupe-Attempt is "` + attempt + `", it takes a whole number from 1`}, codec.MsgPack, 1<<20)
			if err == nil {
				_ = msg.RespondMsg(refused)
			}
		default:
			if whole++; whole%2 == 0 { // each first one is lost
				_ = msg.Respond([]byte{7})
			}
		}
	})
	require.NoError(t, err)
	require.NoError(t, nc.Flush())
	for range 2 {
		got, err := put.Call(t.Context(), troupe.GetOrCreate[shelf](b.Client, "a"), moby)
		require.NoError(t, err)
		require.Equal(t, 7, got)
	}
	require.NoError(t, nc.Drain())
	require.Eventually(t, nc.IsClosed, 10*time.Second, time.Millisecond)
	require.Equal(t, 1, questions, "the client remembers")
	require.GreaterOrEqual(t, whole, 4)
}

// TestHostileEvents publishes what no actor does to a program that listens.
func TestHostileEvents(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	heard := make(chan book, 1)
	sub, err := added.Subscribe(t.Context(), troupe.GetOrCreate[shelf](b.Client, "a"), func(_ context.Context, b book) error {
		heard <- b
		return nil
	})
	require.NoError(t, err)
	nc := b.Connect()
	for _, msg := range []*nats.Msg{
		{}, {Data: []byte{0xdd, 0xff, 0xff, 0xff, 0xff}}, {Data: bytes.Repeat([]byte{0x91}, 900<<10)}, {Data: []byte{0xc1}}, {Data: []byte{1}},
		{Data: []byte("{"), Header: nats.Header{"Content-Type": {"application/json"}}}, {Header: nats.Header{"Content-Type": {"x"}}},
		{Data: []byte{0x80}, Header: nats.Header{"Status": {"503"}}, Reply: "troupe.route.shelf.a.put"},
	} {
		msg.Subject = "troupe.event.shelf.a.added"
		require.NoError(t, nc.PublishMsg(msg))
	}
	require.Equal(t, book{}, <-heard, "the last is a book")
	require.NoError(t, sub.Unsubscribe())
	require.Empty(t, heard)
}
