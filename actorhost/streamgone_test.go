package actorhost_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/internal/bustest"
)

// TestStreamsThatAreGoneAreNamed deletes streams of a cluster that has much to do. Each is named in the log at once, long
// before the cluster has elected a leader for one that is made again.
func TestStreamsThatAreGoneAreNamed(t *testing.T) {
	t.Parallel()
	takesLong(t)
	urls := bustest.Cluster(t)
	way := system{t: t}
	var logged bustest.Log
	nc := way.connect(urls[0], "any")
	host, err := actorhost.Start(t.Context(), nc, actorhost.Config{Logger: slog.New(slog.NewTextHandler(&logged, nil))}, counters())
	require.NoError(t, err)
	t.Cleanup(func() { _ = host.Stop(context.Background()) })
	c := way.client(way.connect(urls[1], "any"), "")
	ctx, stop := context.WithCancel(t.Context())
	var callers sync.WaitGroup
	t.Cleanup(callers.Wait)
	t.Cleanup(stop)
	for i := range 32 {
		callers.Go(func() {
			for ctx.Err() == nil {
				_ = call(ctx, add, troupe.GetOrCreate[counter](c, fmt.Sprint(i)), 1)
			}
		})
	}
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	for _, name := range []string{"troupe-journal", "KV_troupe-hosts", "KV_troupe-actors"} {
		before := len(logged.String())
		require.NoError(t, js.DeleteStream(t.Context(), name))
		began := time.Now()
		named := func() bool {
			return strings.Contains(logged.String()[before:], strings.TrimPrefix(name, "KV_"))
		}
		require.Eventually(t, named, 30*time.Second, time.Millisecond)
		took := time.Since(began)
		require.Eventually(t, func() bool {
			_, err := js.Stream(t.Context(), name)
			return err == nil
		}, 60*time.Second, 5*time.Millisecond)
		t.Logf("%s was named after %v, and made again after %v", name, took, time.Since(began))
		require.Less(t, took, 2*time.Second)
		require.Eventually(t, func() bool { return call(t.Context(), add, troupe.GetOrCreate[counter](c, name), 1) == nil },
			60*time.Second, time.Millisecond)
		t.Logf("calls go on after %v", time.Since(began))
	}
}
