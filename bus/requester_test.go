package bus_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe/bus"
)

func TestRequesterGivesEachCallerItsReply(t *testing.T) {
	t.Parallel()
	nc := connect(t)
	r, err := bus.NewRequester(nc)
	require.NoError(t, err)
	_, err = nc.Subscribe("echo.*", func(msg *nats.Msg) { _ = msg.Respond([]byte(msg.Subject)) })
	require.NoError(t, err)
	var callers errgroup.Group
	for caller := range 64 {
		callers.Go(func() error {
			subject := fmt.Sprintf("echo.%d", caller)
			for range 50 {
				reply, err := r.Do(t.Context(), &nats.Msg{Subject: subject}, 10*time.Second)
				if err != nil || string(reply.Data) != subject {
					return fmt.Errorf("%s was answered with %v: %w", subject, reply, err)
				}
			}
			return nil
		})
	}
	require.NoError(t, callers.Wait())
	require.NoError(t, r.Close())
	_, err = r.Do(t.Context(), &nats.Msg{Subject: "echo.1"}, time.Second)
	require.ErrorIs(t, err, nats.ErrConnectionClosed)
}

func TestRequesterTellsWhoDoesNotAnswer(t *testing.T) {
	t.Parallel()
	nc := connect(t)
	r, err := bus.NewRequester(nc)
	require.NoError(t, err)
	_, err = r.Do(t.Context(), &nats.Msg{Subject: "nobody.here"}, 10*time.Second)
	require.ErrorIs(t, err, nats.ErrNoResponders)

	_, err = nc.Subscribe("silent", func(*nats.Msg) {})
	require.NoError(t, err)
	_, err = r.Do(t.Context(), &nats.Msg{Subject: "silent"}, 10*time.Millisecond)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	_, err = r.Do(ctx, &nats.Msg{Subject: "silent"}, 10*time.Second)
	require.ErrorIs(t, err, context.Canceled)

	waiting := make(chan error, 1)
	go func() {
		_, err := r.Do(t.Context(), &nats.Msg{Subject: "silent"}, 10*time.Second)
		waiting <- err
	}()
	require.Eventually(t, func() bool { return r.Waiting() == 1 }, 5*time.Second, time.Millisecond)
	require.NoError(t, r.Close())
	require.ErrorIs(t, <-waiting, nats.ErrConnectionClosed)
}
