//go:build chaos && unix

package chaos_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
)

// listener is what a client hears of the journals, by key.
type listener struct {
	mu    sync.Mutex
	heard map[string][]string
	gaps  map[string]int
}

func (c *caller) hear(t *testing.T, keys int) *listener {
	t.Helper()
	l := &listener{heard: make(map[string][]string), gaps: make(map[string]int)}
	for key := range keys {
		name := fmt.Sprint(key)
		_, err := entered.Subscribe(t.Context(), troupe.GetOrCreate[journal](c.bus, name), func(_ context.Context, entry string) error {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.heard[name] = append(l.heard[name], entry)
			return nil
		}, troupe.OnGap(func(context.Context, troupe.Gap) error {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.gaps[name]++
			return nil
		}))
		require.NoError(t, err)
	}
	return l
}

func (l *listener) of(key string) (heard []string, gaps int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.heard[key]), l.gaps[key]
}

// TestChaosRestore puts streams back to an older copy, or loses them, while clients write into journals: all, or some of
// them. What was acknowledged before may be lost. What is acknowledged afterwards is there, and everybody hears it, after
// a gap if something is missing.
func TestChaosRestore(t *testing.T) {
	t.Parallel()
	for seed := *firstSeed; seed < *firstSeed+*seeds; seed++ {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			t.Parallel()
			restoreStreams(t, seed)
		})
	}
}

func restoreStreams(t *testing.T, seed uint64) {
	t.Helper()
	const keys, clients = 4, 8
	s := begin(t, 1, fmt.Sprintf("restore-%d.log", seed), journaling(seed)...)
	defer s.end()
	began, random := time.Now(), rand.New(rand.NewPCG(seed, 2))
	h := &history{began: began}
	reading := s.caller(clients, seed, h)
	live := reading.hear(t, keys)
	var writers []*caller
	for i := range clients {
		writers = append(writers, s.caller(i, seed, h))
	}
	copied := t.TempDir()
	for round := 0; round == 0 || time.Since(began) < time.Duration(*seconds)*time.Second; round++ {
		reading.followAll(t, keys)
		ctx, stop := context.WithTimeout(t.Context(), time.Second+time.Duration(random.Int64N(int64(time.Second))))
		before := writeEntries(ctx, writers, keys, fmt.Sprint(round, "a"))
		stop()
		names := slices.Concat(sparedStreams, otherStreams)
		random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		names = names[:1+random.IntN(len(names))]
		gapsBefore := make([]int, keys)
		for key := range keys {
			_, gapsBefore[key] = live.of(fmt.Sprint(key))
		}
		t.Logf("%6.2f s: back to the copy: %v", time.Since(began).Seconds(), names)
		s.putBack(copied, names)
		up := time.Now()
		reading.followAll(t, keys)
		t.Logf("%6.2f s: in service %v later", time.Since(began).Seconds(), time.Since(up).Round(time.Millisecond))
		ctx, stop = context.WithTimeout(t.Context(), time.Second)
		after := writeEntries(ctx, writers, keys, fmt.Sprint(round, "b"))
		stop()
		for key := range keys {
			reading.checkRestored(t, live, fmt.Sprint(key), before[key], after[key], gapsBefore[key])
		}
		if random.IntN(2) == 0 {
			s.copyStreams(copied)
		}
		if t.Failed() {
			return
		}
	}
}

// followAll has the reader of each journal follow it, which it may have forgotten.
func (c *caller) followAll(t *testing.T, keys int) {
	t.Helper()
	for key := range keys {
		require.Eventually(t, func() bool {
			ctx, cancel := context.WithTimeout(t.Context(), callTimeout)
			defer cancel()
			_, err := subscribe.Call(ctx, troupe.GetOrCreate[reader](c.bus, fmt.Sprint(key)), nil)
			return err == nil
		}, time.Minute, 20*time.Millisecond)
	}
}

// writeEntries has all clients write until ctx is done, and returns the entries of each journal that were acknowledged.
func writeEntries(ctx context.Context, writers []*caller, keys int, name string) [][]string {
	acknowledged := make([][]string, keys)
	var mu sync.Mutex
	var running sync.WaitGroup
	for i, c := range writers {
		running.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				key, entry := c.random.IntN(keys), fmt.Sprintf("%s.%d.%d", name, i, n)
				if c.enter(fmt.Sprint(key), entry, c.id(key)) {
					mu.Lock()
					acknowledged[key] = append(acknowledged[key], entry)
					mu.Unlock()
				}
				// As in caller.run.
				time.Sleep(time.Duration(c.random.Int64N(int64(betweenCall))))
			}
		})
	}
	running.Wait()
	return acknowledged
}

// checkRestored checks what has become of the entries that were acknowledged before and after streams were put back.
func (c *caller) checkRestored(t *testing.T, live *listener, key string, before, after []string, gapsBefore int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ref := troupe.GetOrCreate[journal](c.bus, key)
	written, err := entries.Call(ctx, ref, nil)
	require.NoError(t, err)
	var kept []string
	for event, err := range entered.Replay(ctx, ref, troupe.ReplayStart{}) {
		require.NoError(t, err)
		kept = append(kept, event.Payload)
	}
	var read, heardLive []string
	gaps := 0
	missing := func() string {
		for _, entry := range after {
			for place, entries := range map[string][]string{"journal": written, "log": kept, "reader": read, "listener": heardLive} {
				if !slices.Contains(entries, entry) {
					return fmt.Sprintf("the %s of %s has not got %s", place, key, entry)
				}
			}
		}
		return ""
	}
	for why := "nothing was read"; why != ""; why = missing() {
		if ctx.Err() != nil {
			t.Errorf("%s; %d entries after the restore", why, len(after))
			return
		}
		if read, err = heard.Call(ctx, troupe.GetOrCreate[reader](c.bus, key), nil); err != nil {
			t.Log(err)
		}
		heardLive, gaps = live.of(key)
		// The reader is in another process: all there is to do is to ask it again.
		time.Sleep(20 * time.Millisecond)
	}
	for i, entry := range read {
		if slices.Contains(read[:i], entry) {
			t.Errorf("the reader of %s has %s twice", key, entry)
		}
	}
	lost := slices.ContainsFunc(before, func(entry string) bool { return !slices.Contains(written, entry) })
	if lost && gaps == gapsBefore {
		t.Errorf("journal %s has lost entries, and its listener was told of no gap", key)
	}
}
