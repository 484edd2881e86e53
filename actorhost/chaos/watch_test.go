//go:build chaos && unix

package chaos_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
)

// watch has clients write into journals, each of which a reader follows and programs listen to.
type watch struct {
	t       *testing.T
	keys    []string
	writers []*caller
	reading *caller
	ears    []*ear
	running sync.WaitGroup

	mu           sync.Mutex
	acknowledged map[string][]string // entries, by key
}

// In runs that are about something else, so much is watched.
const (
	fewJournals = 2
	fewWriters  = 2
	watchPause  = 40 * time.Millisecond
)

const watchers = 1000 // the number of the first client of a watch

// watch opens that many journals, with as many writers and two programs that listen. All has been heard once when it
// returns. Writers pause between entries.
func (s *system) watch(h *history, seed uint64, keys, writers int) *watch {
	s.t.Helper()
	w := &watch{t: s.t, acknowledged: make(map[string][]string)}
	w.reading = s.caller(watchers, seed, h)
	for key := range keys {
		w.keys = append(w.keys, fmt.Sprint(key))
	}
	for i := range writers {
		w.writers = append(w.writers, s.caller(watchers+2+i, seed, h))
	}
	w.followAll()
	listening := s.caller(watchers+1, seed, h)
	w.ears, s.listening = listening.listens(s.t, w.keys), listening.proxy
	for _, fault := range w.enterAll("first") {
		s.t.Error(fault)
	}
	return w
}

// followAll has the reader of each journal follow it, which it may have forgotten.
func (w *watch) followAll() {
	for _, key := range w.keys {
		require.Eventually(w.t, func() bool {
			ctx, cancel := context.WithTimeout(w.t.Context(), callTimeout)
			defer cancel()
			_, err := subscribe.Call(ctx, troupe.GetOrCreate[reader](w.reading.bus, key), nil)
			return err == nil
		}, time.Minute, 20*time.Millisecond)
	}
}

// enterAll makes an entry into each journal, and returns who has not heard it.
func (w *watch) enterAll(entry string) (faults []string) {
	c := w.writers[0]
	c.patience = time.Minute
	defer func() { c.patience = 0 }()
	for _, key := range w.keys {
		if c.enter(key, entry, "chaos-"+entry+"-"+key) {
			w.note(key, entry)
		} else {
			faults = append(faults, fmt.Sprintf("the %s entry of journal %s is not acknowledged", entry, key))
		}
	}
	for _, e := range w.ears {
		for _, key := range w.keys {
			if e.mine(key) && !e.awaitLast(key, entry) {
				faults = append(faults, fmt.Sprintf("the %s is deaf: it has not heard the %s entry of %s", e.name, entry, key))
			}
		}
	}
	return faults
}

func (w *watch) note(key, entry string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.acknowledged[key] = append(w.acknowledged[key], entry)
}

// write has the writers make entries until ctx is done, with a pause of up to the given time after each.
func (w *watch) write(ctx context.Context, name string, pause time.Duration) {
	for i, c := range w.writers {
		w.running.Go(func() {
			c.calls.Store(true)
			defer c.over.Store(true)
			for n := 0; ctx.Err() == nil; n++ {
				at := c.random.IntN(len(w.keys))
				key, entry := w.keys[at], fmt.Sprintf("%s%d.%d", name, i, n)
				if c.enter(key, entry, c.id(at)) {
					w.note(key, entry)
				}
				// As in caller.run.
				time.Sleep(time.Duration(c.random.Int64N(int64(pause))))
			}
		})
	}
}

// findings are what has become of the journals, when all faults are over.
func (w *watch) findings() (faults []string) {
	w.running.Wait()
	faults = w.enterAll("last")
	for _, key := range w.keys {
		faults = append(faults, w.check(key)...)
	}
	return faults
}

// check compares what was acknowledged with the journal, and that with the log, its reader, and those who listen.
func (w *watch) check(key string) (faults []string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	find := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	c := w.reading
	written, err := entries.Call(ctx, troupe.GetOrCreate[journal](c.bus, key), nil)
	if err != nil {
		return []string{fmt.Sprintf("reading journal %s: %v", key, err)}
	}
	found := make(map[string]bool, len(written))
	for i, entry := range written {
		if found[entry] {
			find("journal %s has %s again as its number %d", key, entry, i)
		}
		found[entry] = true
	}
	for _, entry := range w.acknowledged[key] {
		if !found[entry] {
			find("journal %s has lost %s", key, entry)
		}
	}
	var got []string
	for ctx.Err() == nil && len(got) < len(written) {
		got, err = heard.Call(ctx, troupe.GetOrCreate[reader](c.bus, key), nil)
		// The reader is in another process: all there is to do is to ask it again.
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil {
		find("asking the reader of %s: %v", key, err)
	}
	var kept []string
	for event, err := range entered.Replay(ctx, troupe.GetOrCreate[journal](c.bus, key), troupe.ReplayStart{}) {
		if err != nil {
			find("replaying journal %s: %v", key, err)
			break
		}
		kept = append(kept, event.Payload)
	}
	if !slices.Equal(written, kept) {
		find("the log of journal %s is not what it has written: %s", key, firstDifference(written, kept))
	}
	if !slices.Equal(written, got) {
		find("the reader of journal %s has not heard what is written: %s", key, firstDifference(written, got))
	}
	var all []string
	for _, e := range w.ears {
		if e.mine(key) {
			faults = append(faults, e.check(key, written)...)
			all = append(all, e.count(key))
		}
	}
	w.t.Logf("journal %s: %d entries, %d acknowledged, %d kept, %d read; %s", key, len(written), len(w.acknowledged[key]), len(kept), len(got), all)
	return faults
}

func firstDifference(want, got []string) string {
	for i := range max(len(want), len(got)) {
		if i >= len(want) || i >= len(got) || want[i] != got[i] {
			return fmt.Sprintf("they differ from number %d of %d and %d on: %v, %v", i, len(want), len(got),
				want[min(i, len(want)):min(i+3, len(want))], got[min(i, len(got)):min(i+3, len(got))])
		}
	}
	return ""
}
