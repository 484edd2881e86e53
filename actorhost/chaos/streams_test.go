//go:build chaos && unix

package chaos_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

// The streams of the default namespace. Losing one of the first costs nothing that was acknowledged, as long as hosts live.
var (
	sparedStreams = []string{"KV_troupe-hosts", "KV_troupe-subscriptions", "troupe-journal"}
	otherStreams  = []string{"KV_troupe-actors", "troupe-events"}
)

// remade is how long hosts may take to make a stream that is gone, and to write what they have in memory. On a cluster its
// leader must be elected, on a machine that is busy.
const remade, remadeOnCluster = 2 * time.Second, 10 * time.Second

// deleteStream deletes a stream under the hosts, which make it again.
func deleteStream(name string) func(*system, *rand.Rand) {
	return func(s *system, _ *rand.Rand) {
		nc, err := nats.Connect(s.urls())
		require.NoError(s.t, err)
		defer nc.Close()
		js, err := jetstream.New(nc)
		require.NoError(s.t, err)
		if err := js.DeleteStream(s.t.Context(), name); err != nil {
			return // no host has made it yet
		}
		began, most := time.Now(), remade
		if len(s.servers) > 1 {
			most = remadeOnCluster
		}
		require.Eventually(s.t, func() bool { _, err := js.Stream(s.t.Context(), name); return err == nil }, 2*most, 5*time.Millisecond)
		if took := time.Since(began); took > most {
			s.t.Errorf("%s was made again after %v", name, took)
		}
		// What the journal had is now in the memory of hosts alone: the next fault must not take that too.
		time.Sleep(remade)
	}
}

// TestChaosStreams deletes streams under running hosts, while clients call. What was acknowledged is there.
func TestChaosStreams(t *testing.T) {
	t.Parallel()
	var deletions []fault
	for _, name := range sparedStreams {
		deletions = append(deletions, fault{name + " is deleted", deleteStream(name)})
	}
	eachSeed(t, "streams", deletions, run)
}

// streams is where a server has its streams.
func (n *node) streams(name string) string {
	return filepath.Join(n.dir, "jetstream", "$G", "streams", name)
}

// copyStreams keeps a copy of all streams, with the server down.
func (s *system) copyStreams(to string) {
	n := s.servers[0]
	n.signal(syscall.SIGTERM)
	<-n.gone
	require.NoError(s.t, os.RemoveAll(to))
	require.NoError(s.t, os.CopyFS(to, os.DirFS(n.streams(""))))
	n.process = start(s.t, s.log, n.env...)
	s.awaitServer(n)
}

// putBack puts streams back to a copy, with the server down. Those that the copy does not have are gone.
func (s *system) putBack(from string, names []string) {
	n := s.servers[0]
	n.signal(syscall.SIGKILL)
	<-n.gone
	for _, name := range names {
		require.NoError(s.t, os.RemoveAll(n.streams(name)))
		kept := filepath.Join(from, name)
		if _, err := os.Stat(kept); err == nil {
			require.NoError(s.t, os.CopyFS(n.streams(name), os.DirFS(kept)))
		}
	}
	n.process = start(s.t, s.log, n.env...)
	s.awaitServer(n)
}
