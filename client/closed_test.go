package client_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client"
)

// TestAClosedConnectionIsTold: nothing comes back, so nothing may wait for it, and everything says why.
func TestAClosedConnectionIsTold(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]struct {
		close  func(nc *nats.Conn)
		reason string
	}{
		"by the program":             {(*nats.Conn).Close, "connection closed"},
		"by a line that is too long": {func(nc *nats.Conn) { _ = nc.Publish(strings.Repeat("x", 5000), nil) }, "maximum control line exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := hosttest.Start(t)
			host := b.Host(shelves, beacons)
			nc := b.Connect()
			cl, err := client.New(nc, client.Config{})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, cl.Close(context.Background())) })
			l, changes := make(log, 10), make(chan troupe.StatusChange, 10)
			ref := troupe.GetOrCreate[beacon](cl, "a")
			conn, err := aboard.Connect(t.Context(), ref, nil, troupe.OnStatus(func(s troupe.StatusChange) { changes <- s }))
			require.NoError(t, err)
			through, err := flashed.Subscribe(t.Context(), conn.Actor(), hearNothing)
			require.NoError(t, err)
			sub, err := flashed.Subscribe(t.Context(), ref, l.hear, troupe.OnGap(l.gap))
			require.NoError(t, err)
			_, err = flash.Call(t.Context(), ref, 1)
			require.NoError(t, err)
			l.expect(t, "1")
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			waiting := make(chan error, 1)
			go func() {
				_, err := wait.Call(ctx, troupe.GetOrCreate[shelf](cl, "a"), nil)
				waiting <- err
			}()
			require.Eventually(t, func() bool { return host.Active() == 2 }, 5*time.Second, time.Millisecond)
			require.NoError(t, sub.Err())

			end.close(nc)
			said := func(err error, code error) {
				t.Helper()
				require.ErrorIs(t, err, code)
				require.ErrorContains(t, err, end.reason)
			}
			said(<-waiting, troupe.ErrOutcomeUnknown)
			<-sub.Done()
			said(sub.Err(), troupe.ErrUnavailable)
			<-conn.Done()
			said(conn.Err(), troupe.ErrUnavailable)
			change := <-changes
			require.Equal(t, troupe.StatusClosed, change.Status)
			require.Equal(t, conn.Err(), change.Err)
			<-through.Done()
			said(through.Err(), troupe.ErrUnavailable)

			for _, one := range []beacon{ref, conn.Actor()} {
				_, err = flash.Call(t.Context(), one, 1)
				said(err, troupe.ErrUnavailable)
				_, err = flashed.Subscribe(t.Context(), one, hearNothing)
				said(err, troupe.ErrUnavailable)
			}
			_, err = aboard.Connect(t.Context(), ref, nil)
			said(err, troupe.ErrUnavailable)
			for _, err := range cl.Replay(t.Context(), ref.ID(), "flashed", troupe.ReplayStart{}) {
				said(err, troupe.ErrUnavailable)
			}
			_, err = client.New(nc, client.Config{})
			require.ErrorIs(t, err, nats.ErrConnectionClosed)
			b.Kill(host) // its action waits for an hour
		})
	}
}
