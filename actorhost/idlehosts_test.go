//go:build !race

package actorhost_test

import (
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// TestIdleHosts counts the messages of hosts that have nothing to do. All of them have durable subscribers, and have
// broadcast. `go test ./actorhost -run IdleHosts -v` prints the figures. With the race detector so many hosts take too long.
func TestIdleHosts(t *testing.T) {
	takesLong(t)
	const atMost = 100 // messages a second, to and from the server, however many hosts there are
	for _, hosts := range []int{3, 100} {
		t.Run(fmt.Sprint(hosts), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := hosttest.Start(t)
				var conns []*nats.Conn
				for range hosts {
					nc := b.Connect()
					host, err := actorhost.Start(t.Context(), nc, actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, pressAndReader...)
					require.NoError(t, err)
					defer func() { require.NoError(t, host.Stop(t.Context())) }()
					conns = append(conns, nc)
				}
				for i := range 3 * hosts {
					require.NoError(t, call(t.Context(), publish, troupe.GetOrCreate[press](b.Client, fmt.Sprint(i)), 1))
				}
				time.Sleep(5 * time.Minute) //nolint:forbidigo // virtual time: until all is quiet
				sum := func() (in, out uint64) {
					for _, nc := range conns {
						in, out = in+nc.Stats().OutMsgs, out+nc.Stats().InMsgs
					}
					return in, out
				}
				in, out := sum()
				const seconds = 120
				time.Sleep(seconds * time.Second) //nolint:forbidigo // virtual time
				laterIn, laterOut := sum()
				in, out = laterIn-in, laterOut-out
				t.Logf("%d hosts: %.1f messages a second to the server, %.1f from it", hosts, float64(in)/seconds, float64(out)/seconds)
				require.LessOrEqual(t, (in+out)/seconds, uint64(atMost))
			})
		})
	}
}
