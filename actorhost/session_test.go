package actorhost_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// TestStoppingWhileTheLeaseIsLost stops hosts that are about to start anew, with their connection on its way back.
func TestStoppingWhileTheLeaseIsLost(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	leases, err := store.OpenHosts(t.Context(), b.Connect(), ns, store.Settings{})
	require.NoError(t, err)
	for range 50 {
		nc := b.Connect()
		host, err := actorhost.Start(t.Context(), nc, actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, counters())
		require.NoError(t, err)
		revision, _, err := leases.Revision(t.Context(), host.ID())
		require.NoError(t, err)
		require.NoError(t, leases.Revoke(t.Context(), host.ID(), revision))
		require.NoError(t, nc.ForceReconnect()) // has it renew the lease
		require.NoError(t, host.Stop(t.Context()))
	}
	left, err := leases.All(t.Context())
	require.NoError(t, err)
	require.Empty(t, left, "hosts have stopped")
}

// TestCallsWaitWhileNoHostIsUp has a caller that has reached a type before wait for a host of it, but not for ever. In virtual time, in
// which no answer takes long because the machine is slow.
func TestCallsWaitWhileNoHostIsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t)
		a := troupe.GetOrCreate[counter](b.Client, "a")
		_, err := add.Call(t.Context(), a, 1)
		require.ErrorIs(t, err, troupe.ErrUnknownType, "it may as well be misspelt")
		host := b.Host(counters())
		require.NoError(t, call(t.Context(), add, a, 1))
		b.Stop(host)

		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err = add.Call(ctx, a, 1)
		require.ErrorIs(t, err, troupe.ErrUnavailable)

		result := make(chan error, 1)
		go func() { result <- call(t.Context(), add, a, 1) }()
		resent := b.Client.Resent()
		require.Eventually(t, func() bool { return b.Client.Resent() > resent }, 10*time.Second, time.Millisecond)
		b.Host(counters())
		require.NoError(t, <-result)
		got, err := get.Call(t.Context(), a, nil)
		require.NoError(t, err)
		require.Equal(t, 2, got)
	})
}

// TestLeaseIsReadAgain has a host renew its lease at a revision that it does not know, as after a renewal whose answer
// did not come, while the lease cannot be read: that does not say that it is lost.
func TestLeaseIsReadAgain(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	var log lines
	nc := b.Connect()
	host, err := actorhost.Start(t.Context(), nc, actorhost.Config{Lease: time.Minute, Logger: slog.New(slog.NewTextHandler(&log, nil))}, counters())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, host.Stop(context.Background())) })
	a := troupe.GetOrCreate[counter](b.Client, "a")
	require.NoError(t, call(t.Context(), hidden, a, 1))

	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	leases, err := store.OpenHosts(t.Context(), b.Connect(), ns, store.Settings{})
	require.NoError(t, err)
	revision, _, err := leases.Revision(t.Context(), host.ID())
	require.NoError(t, err)
	_, err = leases.Renew(t.Context(), store.HostEntry{ID: host.ID(), Types: []string{"counter"}}, revision, time.Minute)
	require.NoError(t, err)
	js, err := jetstream.New(b.Connect())
	require.NoError(t, err)
	stream, err := js.Stream(t.Context(), "KV_troupe-hosts")
	require.NoError(t, err)
	config := stream.CachedInfo().Config
	config.AllowDirect = false // nobody answers reads
	_, err = js.UpdateStream(t.Context(), config)
	require.NoError(t, err)
	id := host.ID()
	require.NoError(t, nc.ForceReconnect()) // has it renew the lease
	require.Eventually(t, func() bool { return log.contain("renewing the lease failed") }, 10*time.Second, time.Millisecond)

	config.AllowDirect = true
	_, err = js.UpdateStream(t.Context(), config)
	require.NoError(t, err)
	got, err := hidden.Call(t.Context(), a, 1)
	require.NoError(t, err)
	require.Equal(t, 2, got, "the actor was loaded again")
	require.Equal(t, id, host.ID())
}

// lines are what was logged.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) contain(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), text)
}
