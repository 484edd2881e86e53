package actorhost_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client"
)

// A megabyte may be on its way, and the value with which it is reached, whatever the credit. In virtual time.
func TestStreamIsBoundInBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _, ended := startModel(t)
		r := newReader(t, b.Connect())
		r.open(prompt{Words: 1000, Size: 100_000}, nats.Header{"Troupe-Inbox": {"INBOX"}, "Troupe-Credit": {"1000"}})
		requireWaiting := func(want int) {
			t.Helper()
			time.Sleep(time.Second) //nolint:forbidigo // virtual time
			waiting, _, err := r.sub.Pending()
			require.NoError(t, err)
			require.Equal(t, want, waiting)
		}
		requireWaiting(11)
		for range 4 {
			r.next()
		}
		fifth := r.next()
		require.NoError(t, fifth.Respond(nil))
		requireWaiting(11)
		require.NoError(t, fifth.Respond([]byte("-")))
		require.ErrorIs(t, <-ended, troupe.ErrCanceled)
	})
}

// The calls of a stream are in the trace of the call that has opened it.
func TestStreamsCarryOn(t *testing.T) {
	t.Parallel()
	var seen observed
	b, ended := hosttest.Start(t), make(chan error, 1)
	b.HostWith(actorhost.Config{Intercept: seen.intercept}, modelThat(ended))
	cl := b.NewClient(client.Config{Intercept: traced(someTrace)})
	_, err := read(t.Context(), troupe.GetOrCreate[Model](cl, "writer"), prompt{Fail: "call"})
	require.NoError(t, err)
	asked := seen.of(troupe.OpAction, "asked")
	require.Len(t, asked, 1)
	require.Equal(t, "model/reader", asked[0].Actor.String())
	require.Equal(t, someTrace, asked[0].Header.Get("traceparent"))
}
