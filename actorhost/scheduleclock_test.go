package actorhost_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/bustest"
)

// A host whose clock is an hour ahead of the server's says so, and goes by the server's.
func TestClockOfAnotherMachine(t *testing.T) {
	t.Parallel()
	srv := bustest.Serve(t, &server.Options{JetStream: true, StoreDir: t.TempDir()})
	var log bustest.Log
	nc, err := bus.Connect(t.Context(), bus.Config{URL: "nats://" + hourBehind(t, srv.Addr().String())})
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	host, err := actorhost.Start(t.Context(), nc, actorhost.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, logbookType())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, host.Stop(context.Background())) })
	c, err := client.New(nc, client.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close(context.Background())) })

	d := troupe.GetOrCreate[Logbook](c, "one")
	began := time.Now()
	_, err = Note.At(troupe.SchedulerOf(t.Context(), d), began.Add(-time.Hour).Add(time.Second), t.Name())
	require.NoError(t, err)
	awaitNote(t, t.Name())
	require.GreaterOrEqual(t, entries(t, d)[0].At.Sub(began), time.Second)
	require.Eventually(t, func() bool { return log.Contains("the clock of this machine is not that of the server") },
		30*time.Second, 5*time.Millisecond)
	require.Regexp(t, `ahead=(1h0m|59m59\.9)`, log.String())
}

// hourBehind forwards connections to a server, whose answers say that it is an hour earlier.
func hourBehind(t *testing.T, to string) (address string) {
	t.Helper()
	stamp := regexp.MustCompile(`"ts":"[0-9-]+T[0-9]+`)
	const layout = `"ts":"2006-01-02T15`
	return bustest.Listen(t, func(conn net.Conn) {
		upstream, err := new(net.Dialer).DialContext(context.Background(), "tcp", to)
		if err != nil {
			return
		}
		var copying sync.WaitGroup
		copying.Go(func() {
			_, _ = io.Copy(upstream, conn)
			_ = upstream.Close()
		})
		for from := bufio.NewReader(upstream); err == nil; {
			var line []byte
			line, err = from.ReadBytes('\n')
			line = stamp.ReplaceAllFunc(line, func(text []byte) []byte {
				at, err := time.Parse(layout, string(text))
				if err != nil {
					return text
				}
				return at.Add(-time.Hour).AppendFormat(nil, layout)
			})
			_, _ = conn.Write(line)
		}
		_ = conn.Close()
		copying.Wait()
	})
}
