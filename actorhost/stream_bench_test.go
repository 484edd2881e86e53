package actorhost_test

import (
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/codec"
)

type faucet struct{ troupe.Ref }

func (faucet) ActorType() string { return "faucet" }

var drops = troupe.NewStream[faucet, int, string]("drops")

// BenchmarkStream compares the values of a stream, of 64 bytes, with plain publishes of those to one subscriber, in turns: read by the
// client, which takes several in a message, and by any other, which gets one in a message and says now and then that it has handled them.
// Each has a connection of its own to a server in the same process.
func BenchmarkStream(b *testing.B) {
	const items = 100_000
	drop := strings.Repeat(".", 62)
	bus := hosttest.Start(b, actorhost.Define(func() struct{} { return struct{}{} },
		actorhost.OnStream(drops, func(_ *actorhost.Stream[struct{}], n int) iter.Seq2[string, error] {
			return func(yield func(string, error) bool) {
				for range n {
					if !yield(drop, nil) {
						return
					}
				}
			}
		})))
	from, to := bus.Connect(), bus.Connect()
	plain := func() {
		inbox := make(chan *nats.Msg, items)
		sub, err := to.ChanSubscribe(to.NewInbox(), inbox)
		require.NoError(b, err)
		require.NoError(b, to.Flush())
		for range items {
			require.NoError(b, from.Publish(sub.Subject, []byte(drop)))
		}
		for range items {
			<-inbox
		}
		require.NoError(b, sub.Unsubscribe())
	}
	read := func() {
		n := 0
		for _, err := range drops.Call(b.Context(), troupe.GetOrCreate[faucet](bus.Client, "t"), items) {
			require.NoError(b, err)
			n++
		}
		require.Equal(b, items, n)
	}
	var single, gathered []float64
	for b.Loop() {
		took := timeOf(plain)
		gathered = append(gathered, float64(took)/float64(timeOf(read)))
		took = (took + timeOf(plain)) / 2
		single = append(single, float64(took)/float64(timeOf(func() { readSingly(b, to, items) })))
	}
	report(b, "x-plain", gathered)
	report(b, "single-x-plain", single)
	b.ReportMetric(0, "ns/op")
}

// readSingly reads a stream one value in a message.
func readSingly(b *testing.B, nc *nats.Conn, items int) {
	b.Helper()
	const window = 4096
	inbox := make(chan *nats.Msg, window+1)
	sub, err := nc.ChanSubscribe(nc.NewInbox(), inbox)
	require.NoError(b, err)
	body, err := codec.MsgPack.Append(nil, items)
	require.NoError(b, err)
	require.NoError(b, nc.PublishRequest("troupe.route.faucet.t.drops", sub.Subject, body))
	for i := range items {
		msg := <-inbox
		if i%(window/2) == 0 {
			require.NoError(b, msg.Respond(nil))
		}
	}
	require.NotEmpty(b, (<-inbox).Header.Get("Troupe-End"))
	require.NoError(b, sub.Unsubscribe())
}

func timeOf(f func()) time.Duration {
	began := time.Now()
	f()
	return time.Since(began)
}
