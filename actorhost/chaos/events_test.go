//go:build chaos && unix

package chaos_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
)

// A journal broadcasts each entry as a durable event, and a reader follows the journal of its key for good.
type (
	journal struct{ troupe.Ref }
	reader  struct{ troupe.Ref }
)

func (journal) ActorType() string { return "journal" }
func (reader) ActorType() string  { return "reader" }

var (
	enter     = troupe.NewAction[journal, string, struct{}]("enter")
	entries   = troupe.NewAction[journal, *struct{}, []string]("entries")
	entered   = troupe.NewDurableEvent[journal, string]("entered")
	subscribe = troupe.NewAction[reader, *struct{}, struct{}]("subscribe")
	heard     = troupe.NewAction[reader, *struct{}, []string]("heard")
)

type pages struct {
	Entries []string `json:"entries"`
}

func journals() []actorhost.Definition {
	none := func() pages { return pages{} }
	all := func(s *pages, _ *actorhost.Context, _ *struct{}) ([]string, error) { return s.Entries, nil }
	return []actorhost.Definition{
		actorhost.Define(none, actorhost.On(entries, all),
			actorhost.On(enter, func(s *pages, c *actorhost.Context, entry string) (struct{}, error) {
				s.Entries = append(s.Entries, entry)
				return struct{}{}, entered.Broadcast(c, entry)
			})),
		actorhost.Define(none, actorhost.On(heard, all),
			actorhost.On(subscribe, func(_ *pages, c *actorhost.Context, _ *struct{}) (struct{}, error) {
				return struct{}{}, entered.SubscribeDurable(c, troupe.GetOrCreate[journal](c, c.Key()...))
			})).
			OnEvents(actorhost.OnEvent(entered, func(s *pages, _ *actorhost.Context, entry string) error {
				s.Entries = append(s.Entries, entry)
				return nil
			})).Config(actorhost.TypeConfig{SleepAfter: time.Second}),
	}
}

// TestChaosEvents lets clients write into journals while faults happen. In the end each journal has every entry that was
// acknowledged, and its reader has what the journal has, each entry once and in the same order.
func TestChaosEvents(t *testing.T) {
	for seed := *firstSeed; seed < *firstSeed+*seeds; seed++ {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) { runEvents(t, seed) })
	}
}

func runEvents(t *testing.T, seed uint64) {
	t.Helper()
	const keys = 4
	require.NoError(t, os.MkdirAll(*historyDir, 0o755))
	s := begin(t, serversOf(seed), fmt.Sprintf("events-%d.log", seed))
	began, h := time.Now(), &history{}
	reading := newCaller(t, s.urls(), callers, seed, h, began)
	for key := range keys {
		_, err := subscribe.Call(t.Context(), troupe.GetOrCreate[reader](reading.bus, fmt.Sprint(key)), nil)
		require.NoError(t, err)
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Duration(*seconds)*time.Second)
	defer stop()
	acknowledgedOf := make([][]string, keys)
	var mu sync.Mutex
	var running sync.WaitGroup
	for i := range callers {
		c := newCaller(t, s.urls(), i, seed, h, began)
		running.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				key, entry := c.random.IntN(keys), fmt.Sprintf("%d.%d", i, n)
				if c.enter(key, entry) {
					mu.Lock()
					acknowledgedOf[key] = append(acknowledgedOf[key], entry)
					mu.Unlock()
				}
				// As in caller.run.
				time.Sleep(time.Duration(c.random.Int64N(int64(betweenCall))))
			}
		})
	}
	t.Logf("seed %d: %s, %d s", seed, s, *seconds)
	s.suffer(ctx, rand.New(rand.NewPCG(seed, 1)), faults)
	running.Wait()
	s.mend()
	for key := range keys {
		checkJournal(t, reading, fmt.Sprint(key), acknowledgedOf[key])
	}
}

// enter makes an entry, and reports whether it was acknowledged.
func (c *caller) enter(key int, entry string) bool {
	o := operation{Actor: fmt.Sprint("journal/", key), Action: "enter", Item: entry, ID: c.id(key)}
	return acknowledged == c.do(o, func(ctx context.Context, _ *operation) error {
		_, err := enter.Call(ctx, troupe.GetOrCreate[journal](c.bus, fmt.Sprint(key)), entry)
		return err
	})
}

func checkJournal(t *testing.T, c *caller, key string, acknowledged []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	written, err := entries.Call(ctx, troupe.GetOrCreate[journal](c.bus, key), nil)
	require.NoError(t, err)
	found := make(map[string]bool, len(written))
	for i, entry := range written {
		if found[entry] {
			t.Errorf("journal %s has %s again as its number %d", key, entry, i)
		}
		found[entry] = true
	}
	for _, entry := range acknowledged {
		if !found[entry] {
			t.Errorf("journal %s has lost %s", key, entry)
		}
	}
	var got []string
	for ctx.Err() == nil && len(got) < len(written) {
		if got, err = heard.Call(ctx, troupe.GetOrCreate[reader](c.bus, key), nil); err != nil {
			t.Error(err)
		}
		// The reader is in another process: all there is to do is to ask it again.
		time.Sleep(20 * time.Millisecond)
	}
	var kept []string
	for event, err := range entered.Replay(ctx, troupe.GetOrCreate[journal](c.bus, key), troupe.ReplayStart{}) {
		require.NoError(t, err)
		kept = append(kept, event.Payload)
	}
	t.Logf("journal %s: %d entries, %d acknowledged, %d kept, %d heard", key, len(written), len(acknowledged), len(kept), len(got))
	if !slices.Equal(written, kept) {
		t.Errorf("the log of journal %s is not what it has written: %s", key, firstDifference(written, kept))
	}
	if !slices.Equal(written, got) {
		t.Errorf("the reader of journal %s has not heard what is written: %s", key, firstDifference(written, got))
	}
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
