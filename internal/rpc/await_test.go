package rpc_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/link"
)

func TestAwaitedMessagesAreDenied(t *testing.T) {
	t.Parallel()
	nc, _ := connectAs(t, restricted(t), "ann", "_INBOX.ann")
	for range 3 {
		ctx, wait := link.AwaitWrite(t.Context(), nc, "closed.1", never)
		require.NoError(t, nc.Publish("closed.1", nil))
		<-ctx.Done()
		err := wait.End(ctx.Err())
		require.ErrorIs(t, err, troupe.ErrDenied)
		require.NotErrorIs(t, err, context.Canceled)
		subject, ok := link.DeniedSubject(err)
		require.True(t, ok)
		require.Equal(t, "closed.1", subject)
	}
	_, wait := link.Await(t.Context(), nc, "closed.1", never)
	require.NoError(t, wait.End(nil), "what has succeeded was not denied")
}

// TestDenialsOfEarlierMessages: a denial names no message. Nobody may be told that something was not accepted when it was
// another that was denied.
func TestDenialsOfEarlierMessages(t *testing.T) {
	t.Parallel()
	nc, _ := connectAs(t, restricted(t), "ann", "_INBOX.ann")
	denials := link.HearDenials(nc, func(string, error) bool { return false })
	defer denials.Stop()
	heard := make(chan string, 10)
	defer link.HearDenials(nc, func(subject string, _ error) bool { heard <- subject; return true }).Stop()

	denials.Forsake("closed.1", time.Now())
	ctx, wait := link.AwaitWrite(t.Context(), nc, "closed.1", never)
	for _, subject := range []string{"closed.1", "closed.2"} {
		require.NoError(t, nc.Publish(subject, nil))
	}
	require.Equal(t, "closed.2", <-heard, "the first was forsaken")
	require.NoError(t, ctx.Err())
	require.NoError(t, nc.Publish("closed.1", nil))
	<-ctx.Done()
	require.ErrorIs(t, wait.End(ctx.Err()), troupe.ErrDenied)

	_, first := link.AwaitWrite(t.Context(), nc, "closed.1", never)
	ctx, second := link.AwaitWrite(t.Context(), nc, "closed.1", never)
	for _, subject := range []string{"closed.1", "closed.2"} {
		require.NoError(t, nc.Publish(subject, nil))
	}
	for subject := ""; subject != "closed.2"; subject = <-heard { //nolint:revive // it waits
	}
	require.NoError(t, ctx.Err(), "which of the two was denied is not known")
	require.NoError(t, first.End(nil))
	require.NoError(t, second.End(nil))

	abandoned, cancel := context.WithCancel(t.Context())
	ctx, wait = link.AwaitWrite(abandoned, nc, "closed.3", never)
	cancel()
	require.ErrorIs(t, wait.End(ctx.Err()), context.Canceled)
	ctx, wait = link.AwaitWrite(t.Context(), nc, "closed.3", never)
	for _, subject := range []string{"closed.3", "closed.2"} {
		require.NoError(t, nc.Publish(subject, nil))
	}
	for subject := ""; subject != "closed.2"; subject = <-heard { //nolint:revive // it waits
	}
	require.NoError(t, ctx.Err(), "it may be the one that was given up")
	require.NoError(t, wait.End(nil))
}
