//go:build chaos && unix

package chaos_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

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
	join      = troupe.NewConnector[journal, troupe.None]()
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
// acknowledged, and its reader has what the journal has, each entry once and in the same order. Programs that listen have
// heard each, or were told of a gap.
func TestChaosEvents(t *testing.T) {
	for seed := *firstSeed; seed < *firstSeed+*seeds; seed++ {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) { runEvents(t, seed) })
	}
}

func runEvents(t *testing.T, seed uint64) {
	t.Helper()
	const keys = 4
	s := begin(t, serversOf(seed), fmt.Sprintf("events-%d.log", seed))
	defer s.end()
	h := &history{began: time.Now()}
	w := s.watch(h, seed, keys, callers)
	ctx, stop := context.WithTimeout(t.Context(), time.Duration(*seconds)*time.Second)
	defer stop()
	w.write(ctx, "", betweenCall)
	t.Logf("seed %d: %s, %d s", seed, s, *seconds)
	s.suffer(ctx, rand.New(rand.NewPCG(seed, 1)), faults)
	w.running.Wait()
	s.mend()
	findings{faults: append(w.findings(), s.found...)}.report(t)
	save(t, h.all(), fmt.Sprintf("events-%d.jsonl", seed))
}

// enter makes an entry, and reports whether it was acknowledged.
func (c *caller) enter(key, entry, id string) bool {
	o := operation{Actor: "journal/" + key, Action: "enter", Item: entry, ID: id}
	return acknowledged == c.do(o, func(ctx context.Context, _ *operation) error {
		_, err := enter.Call(ctx, troupe.GetOrCreate[journal](c.bus, key), entry)
		return err
	})
}
