package client_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/bustest"
)

func hearNothing(context.Context, int) error { return nil }

func TestSubscribeEndsWithItsContext(t *testing.T) {
	t.Parallel()
	url := bustest.Serve(t, &server.Options{}).ClientURL()
	var drop atomic.Bool // the client receives nothing any more
	proxy := bustest.Listen(t, func(conn net.Conn) { bustest.Forward(conn, strings.TrimPrefix(url, "nats://"), &drop) })
	nc, err := bus.Connect(t.Context(), bus.Config{URL: proxy})
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	cl, err := client.New(nc, client.Config{Timeout: 10 * time.Minute})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cl.Close(context.Background())) })
	ref := troupe.GetOrCreate[beacon](cl, "a")

	canceled, cancel := context.WithCancel(t.Context())
	late, end := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer end()
	drop.Store(true)
	subscribed := make(chan error, 1)
	go func() {
		_, err := flashed.Subscribe(canceled, ref, hearNothing)
		subscribed <- err
	}()
	require.Eventually(t, func() bool { return nc.NumSubscriptions() == 3 }, 10*time.Second, time.Millisecond) // one is for replies, one for word of hosts
	cancel()
	require.ErrorIs(t, <-subscribed, troupe.ErrCanceled)
	_, err = flashed.Subscribe(late, ref, hearNothing)
	require.ErrorIs(t, err, troupe.ErrDeadlineExceeded)
	_, err = flashed.Subscribe(canceled, ref, hearNothing)
	require.ErrorIs(t, err, troupe.ErrCanceled, "at once")
	require.Equal(t, 2, nc.NumSubscriptions(), "nothing is left of them")
}

// TestSubscribeInATurn subscribes with all that a turn can give as a context, and with one that has ended.
func TestSubscribeInATurn(t *testing.T) {
	t.Parallel()
	type key struct{}
	b := hosttest.Start(t, actorhost.Define(func() beaconState { return beaconState{} },
		actorhost.On(flash, actorhost.NoOut(func(_ *beaconState, c *actorhost.Context, _ int) error {
			child, cancel := context.WithTimeout(context.WithValue(c, key{}, 1), time.Minute)
			defer cancel()
			for i, ctx := range []context.Context{c, child, context.WithoutCancel(child)} {
				if _, err := flashed.Subscribe(ctx, troupe.GetOrCreate[beacon](c, string(rune('b'+i))), hearNothing); err != nil {
					return err
				}
			}
			cancel()
			if _, err := turned.Subscribe(child, troupe.GetOrCreate[beacon](c, "b"), hearNothing); !errors.Is(err, troupe.ErrCanceled) {
				return errors.Join(errors.New("not canceled"), err)
			}
			_, err := turned.Subscribe(c, troupe.GetOrCreate[beacon](c, "b"), hearNothing)
			return err
		}))))
	_, err := flash.Call(t.Context(), troupe.GetOrCreate[beacon](b.Client, "a"), 1)
	require.NoError(t, err)
}
