package actorhost_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/bustest"
)

// passers are callers that each call once: with a connection and a client of their own, which know nothing of the hosts, and may not look
// into the store for what types there are.
type passers struct {
	url   string
	added [16]atomic.Int64 // to each counter
	calls atomic.Int64

	mu     sync.Mutex
	failed []error
}

func (p *passers) connect(user string) (*nats.Conn, error) {
	return nats.Connect(p.url, nats.UserInfo(user, "p"))
}

func (p *passers) ref(c *client.Client, i int) counter {
	return troupe.GetOrCreate[counter](c, fmt.Sprint(i))
}

// run has one after the other call until ctx is done.
func (p *passers) run(ctx context.Context, t *testing.T) {
	t.Helper()
	for i := 0; ctx.Err() == nil; i++ {
		if err := p.pass(t.Context(), i%len(p.added)); err != nil {
			p.mu.Lock()
			p.failed = append(p.failed, err)
			p.mu.Unlock()
		}
		p.calls.Add(1)
	}
}

func (p *passers) pass(ctx context.Context, i int) error {
	nc, err := p.connect("passer")
	if err != nil {
		return err
	}
	defer nc.Close()
	c, err := client.New(nc, client.Config{})
	if err != nil {
		return err
	}
	if _, err = add.Call(ctx, p.ref(c, i), 1); err == nil {
		p.added[i].Add(1)
	}
	return errors.Join(err, c.Close(ctx))
}

// await waits until there were so many more calls.
func (p *passers) await(t *testing.T, more int64) {
	t.Helper()
	until := p.calls.Load() + more
	require.Eventually(t, func() bool { return p.calls.Load() >= until }, time.Minute, time.Millisecond)
}

// TestRollingUpdate replaces three hosts while there are calls, as an orchestrator does that may have none too few: it stops one when the
// next is ready. No call fails, not even with unknown_type, as it is for a client that has never reached the type; none is lost.
func TestRollingUpdate(t *testing.T) {
	t.Parallel()
	srv := bustest.Serve(t, &server.Options{JetStream: true, StoreDir: t.TempDir(), Users: []*server.User{
		{Username: "host", Password: "p"},
		{Username: "passer", Password: "p", Permissions: &server.Permissions{Publish: &server.SubjectPermission{Deny: []string{"$JS.>"}}}},
	}})
	p := &passers{url: srv.ClientURL()}
	var hosts []*actorhost.Host
	start := func() {
		nc, err := p.connect("host")
		require.NoError(t, err)
		t.Cleanup(nc.Close)
		host, err := actorhost.Start(t.Context(), nc, actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, counters())
		require.NoError(t, err)
		require.NoError(t, host.Ready())
		t.Cleanup(func() { require.NoError(t, host.Stop(context.Background())) })
		hosts = append(hosts, host)
	}
	for range 3 {
		start()
	}
	ctx, end := context.WithCancel(t.Context())
	defer end()
	var passing sync.WaitGroup
	for range 4 {
		passing.Go(func() { p.run(ctx, t) })
	}
	p.await(t, 100)
	for i := range 3 {
		start()
		p.await(t, 100)
		require.NoError(t, hosts[i].Stop(t.Context()))
		require.Error(t, hosts[i].Ready())
		p.await(t, 100)
	}
	end()
	passing.Wait()
	require.Empty(t, p.failed, "of %d calls", p.calls.Load())

	nc, err := p.connect("host")
	require.NoError(t, err)
	defer nc.Close()
	c, err := client.New(nc, client.Config{})
	require.NoError(t, err)
	for i := range p.added {
		got, err := get.Call(t.Context(), p.ref(c, i), nil)
		require.NoError(t, err)
		require.Equal(t, p.added[i].Load(), int64(got))
	}
	require.NoError(t, c.Close(t.Context()))
	t.Logf("%d calls", p.calls.Load())
}
