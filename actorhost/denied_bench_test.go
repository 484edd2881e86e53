package actorhost_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/bustest"
)

// BenchmarkDenied has callers told that NATS denies something: what a host stores, what a program calls, and what it asks JetStream.
func BenchmarkDenied(b *testing.B) {
	deny := func(subjects ...string) *server.Permissions {
		return &server.Permissions{
			Publish:   &server.SubjectPermission{Allow: []string{">"}, Deny: subjects},
			Subscribe: &server.SubjectPermission{Allow: []string{">"}},
		}
	}
	srv := bustest.Serve(b, &server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: b.TempDir(), NoLog: true, Users: []*server.User{
			{Username: "host", Password: "p", Permissions: deny("$KV.troupe-actors.counter.locked")},
			{Username: "caller", Password: "p", Permissions: deny("troupe.*.counter.secret.>", "$JS.API.STREAM.INFO.troupe-events")},
		},
	})
	connect := func(user string) *nats.Conn {
		nc, err := bus.Connect(b.Context(), bus.Config{URL: srv.ClientURL(), User: user, Password: "p", Logger: slog.New(slog.DiscardHandler)})
		require.NoError(b, err)
		b.Cleanup(nc.Close)
		return nc
	}
	logger := slog.New(slog.DiscardHandler)
	host, err := actorhost.Start(b.Context(), connect("host"), actorhost.Config{Logger: logger}, append(pressAndReader, counters())...)
	require.NoError(b, err)
	b.Cleanup(func() { _ = host.Stop(context.Background()) })
	c, err := client.New(connect("caller"), client.Config{Logger: logger})
	require.NoError(b, err)
	b.Cleanup(func() { _ = c.Close(context.Background()) })
	times := troupe.GetOrCreate[press](c, "times")
	require.NoError(b, call(b.Context(), publish, times, 1))

	for name, do := range map[string]func() error{
		"stored": func() error { return call(b.Context(), add, troupe.GetOrCreate[counter](c, "locked"), 1) },
		"called": func() error { return call(b.Context(), add, troupe.GetOrCreate[counter](c, "secret"), 1) },
		"asked": func() (last error) {
			for _, err := range published.Replay(b.Context(), times, troupe.ReplayStart{}) {
				last = err
			}
			return last
		},
	} {
		b.Run(name, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				err := do()
				took = append(took, time.Since(began))
				require.ErrorIs(b, err, troupe.ErrDenied)
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms/p50")
			b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "ms/max")
		})
	}
}
