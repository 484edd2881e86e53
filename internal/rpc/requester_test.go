package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/rpc"
	"github.com/troupe-go/troupe/internal/wire"
)

func TestRequesterGivesEachCallerItsReply(t *testing.T) {
	t.Parallel()
	nc := bustest.Connect(t)
	r, err := rpc.NewRequester(nc)
	require.NoError(t, err)
	_, err = nc.Subscribe("echo.*", func(msg *nats.Msg) { _ = msg.Respond([]byte(msg.Subject)) })
	require.NoError(t, err)
	var callers errgroup.Group
	for caller := range 64 {
		callers.Go(func() error {
			subject := fmt.Sprintf("echo.%d", caller)
			for range 50 {
				reply, err := r.Do(t.Context(), &wire.Message{Subject: subject}, 10*time.Second)
				if err != nil || string(reply.Data) != subject {
					return fmt.Errorf("%s was answered with %v: %w", subject, reply, err)
				}
			}
			return nil
		})
	}
	require.NoError(t, callers.Wait())
	require.NoError(t, r.Close())
	_, err = r.Do(t.Context(), &wire.Message{Subject: "echo.1"}, time.Second)
	require.ErrorIs(t, err, nats.ErrConnectionClosed)
}

func TestRequesterTellsWhoDoesNotAnswer(t *testing.T) {
	t.Parallel()
	nc := bustest.Connect(t)
	r, err := rpc.NewRequester(nc)
	require.NoError(t, err)
	_, err = r.Do(t.Context(), &wire.Message{Subject: "nobody.here"}, 10*time.Second)
	require.ErrorIs(t, err, nats.ErrNoResponders)

	_, err = nc.Subscribe("silent", func(*nats.Msg) {})
	require.NoError(t, err)
	_, err = r.Do(t.Context(), &wire.Message{Subject: "silent"}, 10*time.Millisecond)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	_, err = r.Do(ctx, &wire.Message{Subject: "silent"}, 10*time.Second)
	require.ErrorIs(t, err, context.Canceled)

	waiting := make(chan error, 1)
	go func() {
		_, err := r.Do(t.Context(), &wire.Message{Subject: "silent"}, 10*time.Second)
		waiting <- err
	}()
	require.Eventually(t, func() bool { return r.Waiting() == 1 }, 5*time.Second, time.Millisecond)
	require.NoError(t, r.Close())
	require.ErrorIs(t, <-waiting, nats.ErrConnectionClosed)
}

// echoTogether answers the requests on a subject, several replies in one message.
func echoTogether(t *testing.T, nc *nats.Conn, subject string) {
	t.Helper()
	g := rpc.NewBatcher(nc, rpc.BatcherConfig{
		Subject: func(caller string) string { return wire.ManyReplies(caller, "host") }, Short: true,
		Failed: func(_ string, _ uint64, err error) { t.Error(err) },
	})
	_, err := nc.Subscribe(subject, func(msg *nats.Msg) {
		caller, ok := wire.TakesMany(msg.Reply)
		if !ok {
			t.Errorf("%s takes no batches", msg.Reply)
		}
		for _, data := range [][]byte{msg.Data, []byte("again")} { // the second is too late, in the same message
			if err := g.Add(caller, &wire.Message{Subject: msg.Reply, Data: data}, true, nil); err != nil {
				t.Error(err)
			}
		}
	})
	require.NoError(t, err)
}

// A reply that came in a batch outlives its request, whose memory the next one uses.
func TestReplyOfABatchIsKept(t *testing.T) {
	t.Parallel()
	nc := bustest.Connect(t)
	r, err := rpc.NewRequester(nc)
	require.NoError(t, err)
	echoTogether(t, nc, "echo")
	first, err := r.Do(t.Context(), &wire.Message{Subject: "echo", Data: []byte("first")}, 10*time.Second)
	require.NoError(t, err)
	second, err := r.Do(t.Context(), &wire.Message{Subject: "echo", Data: []byte("second")}, 10*time.Second)
	require.NoError(t, err)
	require.Equal(t, "first", string(first.Data))
	require.Equal(t, "second", string(second.Data))
	require.Zero(t, r.Waiting())
	require.NoError(t, r.Close())
}

// A request that gives up, perhaps while its reply is between the two locks, leaves the reply to nobody else.
func TestRepliesToThoseWhoGiveUpReachNobody(t *testing.T) {
	t.Parallel()
	nc := bustest.Connect(t)
	r, err := rpc.NewRequester(nc)
	require.NoError(t, err)
	echoTogether(t, nc, "echo")
	var callers errgroup.Group
	for caller := range 64 {
		callers.Go(func() error {
			for i := range 500 {
				q, err := r.Begin("actor", time.Now())
				if err != nil {
					return err
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+i%20)*100*time.Microsecond)
				want := fmt.Sprintf("%d of %d", i, caller)
				reply, err := q.Do(ctx, &wire.Message{Subject: "echo", Data: []byte(want)}, time.Now().Add(10*time.Second))
				cancel()
				if err == nil && string(reply.Data) != want || err != nil && !errors.Is(err, context.DeadlineExceeded) {
					return fmt.Errorf("%s was answered with %v: %w", want, reply, err)
				}
				q.End()
			}
			return nil
		})
	}
	require.NoError(t, callers.Wait())
	require.Zero(t, r.Waiting())
	require.NoError(t, r.Close())
}

// A request with as many replies as it can hold continues: its final reply may still come when it is resent.
func TestLastReplyToARequestWithTooMany(t *testing.T) {
	t.Parallel()
	nc := bustest.Connect(t)
	r, err := rpc.NewRequester(nc)
	require.NoError(t, err)
	_, err = nc.Subscribe("flood", func(msg *nats.Msg) {
		if string(msg.Data) == "many" {
			for range 4 {
				_ = msg.RespondMsg(&nats.Msg{Header: nats.Header{"Last": {"not yet"}}})
			}
		}
		_ = msg.Respond([]byte("last"))
	})
	require.NoError(t, err)

	q, err := r.Begin("actor", time.Now())
	require.NoError(t, err)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = q.Do(gone, &wire.Message{Subject: "flood", Data: []byte("many")}, time.Now().Add(10*time.Second))
	require.ErrorIs(t, err, context.Canceled)
	_, err = r.Do(t.Context(), &wire.Message{Subject: "flood"}, 10*time.Second) // its reply comes after all of them
	require.NoError(t, err)
	for range 4 {
		reply, err := q.Wait(t.Context(), time.Now().Add(10*time.Second))
		require.NoError(t, err)
		require.NotEmpty(t, reply.Header)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // ends the wait if the Requester has lost the request
	defer cancel()
	reply, err := q.Do(ctx, &wire.Message{Subject: "flood"}, time.Now().Add(10*time.Second))
	require.NoError(t, err)
	require.Equal(t, "last", string(reply.Data))
	q.End()
	require.NoError(t, r.Close())
}
