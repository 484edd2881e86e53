package actorhost_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/bustest"
)

// The streams of the default namespace.
var allStreams = []string{
	"KV_troupe-actors", "KV_troupe-hosts", "KV_troupe-subscriptions", "troupe-journal", "troupe-events",
}

// storage is a server whose streams are put back to an older copy, or deleted, while a host and a program stay connected.
type storage struct {
	*outages
	t      *testing.T
	nc     *nats.Conn
	client *client.Client
	log    bustest.Log
	backup string
	heard  live
}

// live is what a live subscriber was told.
type live struct {
	mu     sync.Mutex
	pages  []int
	gaps   int
	missed troupe.Gap // the last
}

func (l *live) hear(_ context.Context, page int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pages = append(l.pages, page)
	return nil
}

// missedOf is of which actor the last gap was: zero if nobody knows.
func (l *live) missedOf() troupe.ID {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.missed.Actor
}

func (l *live) miss(_ context.Context, gap troupe.Gap) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gaps, l.missed = l.gaps+1, gap
	return nil
}

func (l *live) last() (page, gaps int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.pages) > 0 {
		page = l.pages[len(l.pages)-1]
	}
	return page, l.gaps
}

func startStorage(t *testing.T) *storage {
	t.Helper()
	s := &storage{outages: startOutages(t), t: t}
	logger := slog.New(slog.NewTextHandler(&s.log, nil))
	host, err := actorhost.Start(t.Context(), s.connect(t), actorhost.Config{Logger: logger}, append(pressAndReader, counters())...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = host.Stop(context.Background()) }) // the lease may be gone
	s.nc = s.connect(t)
	s.client, err = client.New(s.nc, client.Config{Logger: logger})
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.client.Close(context.Background()) })
	t.Cleanup(func() { t.Log(s.log.String()) })
	require.NoError(t, call(t.Context(), follow, s.reader(), "times"))
	_, err = published.Subscribe(t.Context(), s.press(), s.heard.hear, troupe.OnGap(s.heard.miss))
	require.NoError(t, err)
	return s
}

func (s *storage) press() press   { return troupe.GetOrCreate[press](s.client, "times") }
func (s *storage) reader() reader { return troupe.GetOrCreate[reader](s.client, "ann") }

// publish has the press publish pages, and returns the last.
func (s *storage) publish(n int) (last int) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Second)
		defer cancel()
		var err error
		last, err = publish.Call(ctx, s.press(), n)
		if err != nil {
			s.t.Log(err)
		}
		return err == nil
	}, 20*time.Second, 50*time.Millisecond)
	return last
}

// awaitRead waits until both subscribers have got a page.
func (s *storage) awaitRead(page int) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Second)
		defer cancel()
		read, err := seenPages.Call(ctx, s.reader(), nil)
		last, _ := s.heard.last()
		for page := page - 2; page <= last; page++ {
			err = cmp.Or(err, missing(read, page))
		}
		return err == nil && last == page
	}, 20*time.Second, 20*time.Millisecond, "page %d", page)
}

func missing(read []seen, page int) error {
	if slices.Contains(read, seen{"times", page}) {
		return nil
	}
	return fmt.Errorf("page %d is missing", page)
}

func (s *storage) streamDir(root, name string) string {
	return filepath.Join(root, "jetstream", "$G", "streams", name)
}

// keep makes a copy of all streams. Afterwards the server runs again.
func (s *storage) keep() {
	s.t.Helper()
	s.server.Shutdown()
	s.backup = s.t.TempDir()
	require.NoError(s.t, os.CopyFS(s.backup, os.DirFS(s.config.DataDir)))
	s.restart(s.t)
}

// putBack replaces streams by what they were. Those that were not there are gone.
func (s *storage) putBack(names ...string) {
	s.t.Helper()
	s.server.Shutdown()
	for _, name := range names {
		require.NoError(s.t, os.RemoveAll(s.streamDir(s.config.DataDir, name)))
		if _, err := os.Stat(s.streamDir(s.backup, name)); err == nil {
			require.NoError(s.t, os.CopyFS(s.streamDir(s.config.DataDir, name), os.DirFS(s.streamDir(s.backup, name))))
		}
	}
	s.restart(s.t)
}

// restorings are the sets of streams that somebody may put back.
func restorings() map[string][]string {
	sets := map[string][]string{"all": allStreams, "records and journal": {"KV_troupe-actors", "troupe-journal"}}
	for _, name := range allStreams {
		sets[name] = []string{name}
		sets["all but "+name] = slices.DeleteFunc(slices.Clone(allStreams), func(one string) bool { return one == name })
	}
	return sets
}

// Whatever is put back: what is acknowledged afterwards is in the log, reaches those who have subscribed for good, and
// those who listen, who are told of a gap if the actor has lost anything.
func TestStreamsArePutBackUnderAHost(t *testing.T) {
	t.Parallel()
	for name, streams := range restorings() {
		for _, back := range []string{"an older copy", "nothing"} {
			t.Run(name+" to "+back, func(t *testing.T) {
				t.Parallel()
				s := startStorage(t)
				if back == "nothing" { // the copy has no streams
					s.backup = t.TempDir()
				} else {
					s.awaitRead(s.publish(5))
					s.keep()
				}
				before := s.publish(20)
				s.awaitRead(before)
				_, gaps := s.heard.last()
				s.putBack(streams...)
				if slices.Contains(streams, "KV_troupe-actors") && back == "nothing" { // with its subscriptions
					require.Eventually(t, func() bool { return call(t.Context(), follow, s.reader(), "times") == nil }, 20*time.Second, 50*time.Millisecond)
				}
				after := s.publish(3)
				s.awaitRead(after)
				if _, now := s.heard.last(); after != before+3 {
					require.Greater(t, now, gaps, "the press has lost %d pages", before+3-after)
				}
				s.requireKept(after-2, after-1, after)
				unchanged := back == "an older copy" && (name == "troupe-journal" || name == "KV_troupe-subscriptions")
				if !unchanged {
					require.Eventually(t, func() bool { return s.log.Contains("a stream was replaced") }, 10*time.Second, 10*time.Millisecond)
				}
			})
		}
	}
}

// requireKept checks that the newest events in the log are those of some pages.
func (s *storage) requireKept(pages ...int) {
	s.t.Helper()
	var kept []int
	for event, err := range published.Replay(s.t.Context(), s.press(), troupe.ReplayStart{}) {
		require.NoError(s.t, err)
		kept = append(kept, event.Payload)
	}
	require.GreaterOrEqual(s.t, len(kept), len(pages))
	require.Equal(s.t, pages, kept[len(kept)-len(pages):])
}

// Nobody calls the host meanwhile. Within two seconds the stream is there again, and the log says so.
func TestStreamsAreDeletedUnderAHost(t *testing.T) {
	t.Parallel()
	for _, name := range allStreams {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startStorage(t)
			s.awaitRead(s.publish(5))
			js, err := jetstream.New(s.nc)
			require.NoError(t, err)
			require.NoError(t, js.DeleteStream(t.Context(), name))
			require.Eventually(t, func() bool {
				_, err := js.Stream(t.Context(), name)
				return err == nil && s.log.Contains("made again")
			}, 2*time.Second, 10*time.Millisecond, s.log.String())
			if name == "KV_troupe-actors" {
				require.NoError(t, call(t.Context(), follow, s.reader(), "times"))
			}
			after := s.publish(3)
			s.awaitRead(after)
			s.requireKept(after-2, after-1, after)
			another, err := actorhost.Start(t.Context(), s.connect(t), actorhost.Config{Logger: s.config.Logger}, counters())
			require.NoError(t, err, "it has the same store")
			require.NoError(t, another.Stop(t.Context()))
		})
	}
}
