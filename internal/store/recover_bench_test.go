package store_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe/bus"
)

// BenchmarkRecover measures how long it takes to bring the journal of a dead host into the records: so many actors have
// changed so often in the last two seconds.
func BenchmarkRecover(b *testing.B) {
	for _, size := range []struct{ actors, changes int }{{1_000, 1}, {1_000, 200}, {50_000, 1}} {
		b.Run(fmt.Sprintf("actors=%d/changes=%d", size.actors, size.changes), func(b *testing.B) {
			server, err := bus.StartServer(bus.ServerConfig{DataDir: b.TempDir()})
			require.NoError(b, err)
			b.Cleanup(server.Shutdown)
			connect := func() (*nats.Conn, error) { return server.Connect(bus.Config{}) }
			next := newOwner(b, connect, "next", 0)
			for n := 0; b.Loop(); n++ {
				b.StopTimer()
				o := newOwner(b, connect, fmt.Sprint("owner", n), size.actors)
				var growing errgroup.Group
				growing.SetLimit(256)
				for _, a := range o.actors {
					growing.Go(func() error {
						for range size.changes {
							if err := a.grow(); err != nil {
								return err
							}
						}
						return nil
					})
				}
				require.NoError(b, growing.Wait())
				o.nc.Close()
				b.StartTimer()
				require.NoError(b, next.all.Recover(context.Background(), o.name))
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e3/float64(b.N), "ms")
			b.ReportMetric(0, "ns/op")
		})
	}
}
