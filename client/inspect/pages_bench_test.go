package inspect_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client/inspect"
)

// BenchmarkPages makes pages of 20 hosts with many actors that are awake: 10,000, or as many as TROUPE_BENCH_ACTORS says. Each time the pages are new, and so have to look: a reader
// among others has what was seen a moment before.
func BenchmarkPages(b *testing.B) {
	const hosts, workers = 20, 64
	actors := 10_000
	if many, err := strconv.Atoi(os.Getenv("TROUPE_BENCH_ACTORS")); err == nil {
		actors = many
	}
	bus := hosttest.Start(b)
	definition := rooms(b)
	var hostPath string
	for range hosts {
		hostPath = "/host?id=" + bus.Host(definition).ID()
	}
	var waking errgroup.Group
	for worker := range workers {
		waking.Go(func() error {
			for i := worker; i < actors; i += workers {
				if _, err := say.Call(b.Context(), troupe.GetOrCreate[room](bus.Client, fmt.Sprint(i)), "hello"); err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(b, waking.Wait())
	nc := bus.Connect()
	for _, page := range []struct{ name, path string }{
		{"overview", "/"}, {"type", "/type?name=room"}, {"longer", "/type?name=room&longer=1s"}, {"host", hostPath}, {"failures", "/failures"},
		{"stuck", "/stuck"}, {"actor", "/actor?type=room&key=17"}, {"neighbours", "/neighbours?type=room&key=17"},
		{"queues", "/queues?type=room&key=17"},
	} {
		b.Run(page.name, func(b *testing.B) {
			var took time.Duration
			before, made := messages(nc), 0
			for b.Loop() {
				pages, err := inspect.New(nc, inspect.Config{})
				require.NoError(b, err)
				answer := httptest.NewRecorder()
				began := time.Now()
				pages.ServeHTTP(answer, httptest.NewRequestWithContext(b.Context(), http.MethodGet, "http://localhost"+page.path, http.NoBody))
				took += time.Since(began)
				require.Equal(b, http.StatusOK, answer.Code, answer.Body)
				made++
			}
			b.ReportMetric(float64(took.Microseconds())/1000/float64(made), "ms/page")
			b.ReportMetric(float64(messages(nc)-before)/float64(made), "messages/page")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// messages is how many a connection has sent and received.
func messages(nc *nats.Conn) uint64 {
	stats := nc.Stats()
	return stats.InMsgs + stats.OutMsgs
}
