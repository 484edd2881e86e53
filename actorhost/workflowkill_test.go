package actorhost_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// A Ledger counts what workflows do with it.
type Ledger struct{ troupe.Ref }

func (Ledger) ActorType() string { return "ledger" }

var (
	EnterLine  = troupe.NewAction[Ledger, string, int]("enter") // returns how many entries of that name there are
	ReadLedger = troupe.NewAction[Ledger, troupe.None, map[string]int]("entered")
)

type lineState struct{ Entries map[string]int }

func lineBooks() actorhost.Definition {
	return actorhost.Define(func() lineState { return lineState{Entries: map[string]int{}} },
		actorhost.On(EnterLine, func(s *lineState, _ *actorhost.Context, name string) (int, error) {
			s.Entries[name]++
			return s.Entries[name], nil
		}),
		actorhost.On(ReadLedger, actorhost.NoIn(func(s *lineState, _ *actorhost.Context) (map[string]int, error) { return s.Entries, nil })))
}

// The points of a workflow at which its host may die.
var points = []string{"before the call", "after the call", "after the step", "while it waits", "in the update", "before the undo", "after the undo"}

// TestWorkflowGoesOnWhereItsHostDies kills the host of a workflow at each of its points, and calls nobody until it is over.
func TestWorkflowGoesOnWhereItsHostDies(t *testing.T) {
	for _, point := range points {
		for _, end := range []string{"killed", "stopped"} {
			t.Run(point+"/"+end, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { testDeathAt(t, point, end == "killed") })
			})
		}
	}
}

func testDeathAt(t *testing.T, point string, killed bool) {
	t.Helper()
	b := hosttest.Start(t)
	b.Host(lineBooks())
	var die atomic.Pointer[func()]
	at := func(here string) {
		if f := die.Load(); here == point && f != nil && die.CompareAndSwap(f, nil) {
			(*f)()
		}
	}
	book := trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) {
		books := troupe.GetOrCreate[Ledger](w, "main")
		enter := func(name string) error {
			_, err := actorhost.Step(w, name, func(c *actorhost.StepContext) (int, error) {
				at("before the call")
				n, err := EnterLine.Call(c, books, name)
				at("after the call")
				return n, err
			})
			return err
		}
		w.Undo("no-flight", func(c *actorhost.StepContext) error {
			at("before the undo")
			_, err := EnterLine.Call(c, books, "no-flight")
			at("after the undo")
			return err
		})
		if err := enter("flight"); err != nil {
			return "", err
		}
		at("after the step")
		if err := w.Update("note", func(s *tripState, _ *actorhost.Context) error {
			at("in the update")
			s.Notes = append(s.Notes, "flight")
			return nil
		}); err != nil {
			return "", err
		}
		if err := w.Sleep("rest", time.Second); err != nil {
			at("while it waits")
			return "", err
		}
		if err := enter("hotel"); err != nil {
			return "", err
		}
		return "", errFullyBooked
	})
	first := b.Host(book)
	b.Host(book)
	// The trip is on the first host: the other one takes no calls yet.
	trip := troupe.GetOrCreate[Trip](b.Client, tripOn(t, b, first))
	f := func() {
		if killed {
			b.Kill(first)
		} else {
			go b.Stop(first)
			time.Sleep(10 * time.Millisecond) //nolint:forbidigo // virtual time
		}
	}
	die.Store(&f)
	began := time.Now()
	require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{}))
	entries := readLedger(t, b, 3)
	require.Less(t, time.Since(began), 7*time.Second)
	require.Nil(t, die.Load(), "the host has died")
	_, err := BookTrip.Result(t.Context(), trip)
	require.ErrorIs(t, err, errFullyBooked)
	require.Equal(t, map[string]int{"flight": 1, "hotel": 1, "no-flight": 1}, entries)
	notes, err := Notes.Call(t.Context(), trip, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"flight"}, notes)
}

// readLedger waits until a ledger has so many entries, and calls nobody else meanwhile.
func readLedger(t *testing.T, b *hosttest.Bus, n int) map[string]int {
	t.Helper()
	for began := time.Now(); time.Since(began) < time.Minute; {
		entries, err := ReadLedger.Call(t.Context(), troupe.GetOrCreate[Ledger](b.Client, "main"), nil)
		require.NoError(t, err)
		if len(entries) >= n {
			return entries
		}
		time.Sleep(100 * time.Millisecond) //nolint:forbidigo // virtual time
	}
	require.Fail(t, "the ledger has too few entries")
	return nil
}

// tripOn returns the key of a trip that is awake on a host.
func tripOn(t *testing.T, b *hosttest.Bus, host *actorhost.Host) string {
	t.Helper()
	for i := range 100 {
		before := host.Active()
		key := fmt.Sprint("trip", i)
		_, err := Notes.Call(t.Context(), troupe.GetOrCreate[Trip](b.Client, key), nil)
		require.NoError(t, err)
		if host.Active() > before {
			return key
		}
	}
	require.Fail(t, "no trip is on the host")
	return ""
}

// TestManyWorkflowsUnderKills has hosts die again and again, at whatever point, while many workflows are under way, and the
// ledger takes many other calls with ids of their own.
func TestManyWorkflowsUnderKills(t *testing.T) {
	takesLong(t)
	synctest.Test(t, func(t *testing.T) {
		const many, kills = 60, 8
		b := hosttest.Start(t)
		b.Host(lineBooks())
		book := trips(func(w *actorhost.Flow[tripState], wish tripWish) (string, error) {
			books := troupe.GetOrCreate[Ledger](w, "main")
			enter := func(c *actorhost.StepContext, name string) (int, error) {
				time.Sleep(time.Duration(wish.Days) * time.Millisecond) //nolint:forbidigo // virtual time
				return EnterLine.Call(c, books, w.ID().String()+"/"+name)
			}
			for i := range 3 {
				name := fmt.Sprint("step", i)
				w.Undo("no-"+name, func(c *actorhost.StepContext) error { _, err := enter(c, "no-"+name); return err })
				if _, err := actorhost.Step(w, name, func(c *actorhost.StepContext) (int, error) { return enter(c, name) }); err != nil {
					return "", err
				}
				if err := w.Sleep("rest", 300*time.Millisecond); err != nil {
					return "", err
				}
			}
			if _, err := actorhost.Each(w, "item", []int{0, 1, 2, 3}, 2, func(c *actorhost.StepContext, i int) (int, error) {
				return enter(c, fmt.Sprint("item", i))
			}); err != nil {
				return "", err
			}
			if wish.Days%3 == 0 {
				return "", errFullyBooked
			}
			return "booked", nil
		})
		hosts := []*actorhost.Host{b.Host(book), b.Host(book), b.Host(book)}
		ledger := troupe.GetOrCreate[Ledger](b.Client, "main")
		for i := range many {
			require.NoError(t, BookTrip.Start(t.Context(), troupe.GetOrCreate[Trip](b.Client, fmt.Sprint(i)), tripWish{Days: 20 + i}))
		}
		ctx, cancel := context.WithCancel(t.Context())
		var others sync.WaitGroup
		for i := range 4 {
			others.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					_, _ = EnterLine.Call(troupe.WithRequestID(ctx, fmt.Sprint(i, "/", n)), ledger, "others")
					time.Sleep(4 * time.Millisecond) //nolint:forbidigo // virtual time
				}
			})
		}
		for i := range kills {
			time.Sleep(time.Duration(150+70*i) * time.Millisecond) //nolint:forbidigo // virtual time
			b.Kill(hosts[i%len(hosts)])
			hosts[i%len(hosts)] = b.Host(book)
		}
		cancel()
		others.Wait()
		want := map[string]int{"others": 1}
		for i := range many {
			names := []string{"step0", "step1", "step2", "item0", "item1", "item2", "item3"}
			if (20+i)%3 == 0 {
				names = append(names, "no-step0", "no-step1", "no-step2")
			}
			for _, name := range names {
				want[fmt.Sprint("trip/", i, "/", name)] = 1
			}
		}
		entries := readLedger(t, b, len(want))
		entries["others"] = 1
		require.Equal(t, want, entries)
		for i := range many {
			_, err := BookTrip.Result(t.Context(), troupe.GetOrCreate[Trip](b.Client, fmt.Sprint(i)))
			if (20+i)%3 == 0 {
				require.ErrorIs(t, err, errFullyBooked)
			} else {
				require.NoError(t, err)
			}
		}
	})
}
