package deploy_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client"
)

// Whoever may send batches of calls may call every action of every actor: a client that may not does without, and no call
// of it is lost.
func TestClientsDoWithoutBatches(t *testing.T) {
	g := guard(t, users(t))
	_, err := g.start(t)
	require.NoError(t, err)
	nc := g.connect(t, "org1")
	cl, err := client.New(nc, client.Config{Timeout: never})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cl.Close(context.Background())) })
	var tried atomic.Bool
	handle := nc.ErrorHandler()
	nc.SetErrorHandler(func(nc *nats.Conn, sub *nats.Subscription, err error) {
		if errors.Is(err, nats.ErrPermissionViolation) && strings.Contains(err.Error(), ".batch") {
			tried.Store(true)
		}
		handle(nc, sub, err)
	})
	lobby := troupe.GetOrCreate[room](cl, "org1", "lobby")
	giveUp := time.Now().Add(30 * time.Second)
	var callers errgroup.Group
	for range 64 {
		callers.Go(func() error {
			for last := false; !last && time.Now().Before(giveUp); {
				last = tried.Load() // once more, and without
				if _, err := say.Call(context.Background(), lobby, "hello"); err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, callers.Wait())
	require.True(t, tried.Load())
}
