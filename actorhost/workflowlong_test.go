package actorhost_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// TestLongWorkflow has one of many steps go on elsewhere again and again. It remembers most of its steps outside of the record, as
// long as it needs them.
func TestLongWorkflow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 400
		b := hosttest.Start(t)
		b.Host(lineBooks())
		var ran [many]atomic.Int32
		var dies atomic.Pointer[func()]
		release := make(chan struct{})
		book := trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) {
			for i := range many {
				out, err := actorhost.Step(w, "day", func(c *actorhost.StepContext) (string, error) {
					ran[i].Add(1)
					if i == many-1 {
						<-release
					}
					if i%60 == 59 {
						if die := dies.Swap(nil); die != nil {
							(*die)()
						}
					}
					_, err := EnterLine.Call(c, troupe.GetOrCreate[Ledger](w, "main"), fmt.Sprint("day", i))
					return fmt.Sprintf("%0100d", i), err
				})
				if err != nil {
					return "", err
				}
				if out != fmt.Sprintf("%0100d", i) {
					return "", troupe.NewError("mixed_up", out)
				}
				if i%50 == 49 {
					if err := w.Sleep("night", time.Second); err != nil {
						return "", err
					}
				}
			}
			return "all days", nil
		})
		trip := troupe.GetOrCreate[Trip](b.Client, "a")
		hosts := []*actorhost.Host{b.Host(book)}
		require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{}))
		for range 4 {
			host := hosts[len(hosts)-1]
			hosts = append(hosts, b.Host(book))
			die := func() { b.Kill(host) }
			dies.Store(&die)
			for dies.Load() != nil {
				time.Sleep(100 * time.Millisecond) //nolint:forbidigo // virtual time
			}
			run, err := BookTrip.Show(t.Context(), trip)
			require.NoError(t, err)
			require.Less(t, len(run.Steps), 120, "of the steps the record has the last")
		}
		run, err := BookTrip.Show(t.Context(), trip)
		require.NoError(t, err)
		require.Positive(t, run.Before)
		kept := keptSteps(t, b)
		require.NotEmpty(t, kept)
		requirePages(t, trip, many+7-1)
		close(release)
		out, err := BookTrip.Result(t.Context(), trip)
		require.NoError(t, err)
		require.Equal(t, "all days", out)
		entries := readLedger(t, b, many)
		for i := range many {
			require.Equal(t, 1, entries[fmt.Sprint("day", i)])
			require.LessOrEqual(t, ran[i].Load(), int32(3), "day %d", i)
		}
		run, err = BookTrip.Show(t.Context(), trip)
		require.NoError(t, err)
		require.Equal(t, many+8, run.Before+len(run.Steps))
		require.Eventually(t, func() bool { return len(keptSteps(t, b)) == 0 }, time.Minute, time.Second)
		keepNoSteps(t, b, kept[0])
		run, err = BookTrip.ShowPage(t.Context(), trip, troupe.WorkflowPage{Until: run.Before})
		require.NoError(t, err, "some are forgotten, others not yet")
		require.Empty(t, run.Steps)
	})
}

// keepNoSteps puts a block without steps under a key.
func keepNoSteps(t *testing.T, b *hosttest.Bus, key string) {
	t.Helper()
	js, err := jetstream.New(b.Connect())
	require.NoError(t, err)
	index, err := js.KeyValue(t.Context(), "troupe-subscriptions")
	require.NoError(t, err)
	_, err = index.Put(t.Context(), key, []byte{0x90})
	require.NoError(t, err)
}

// requirePages waits until so many steps are done, and reads them by pages.
func requirePages(t *testing.T, trip Trip, many int) {
	t.Helper()
	var page troupe.WorkflowRun
	require.Eventually(t, func() bool {
		var err error
		page, err = BookTrip.Show(t.Context(), trip)
		return err == nil && page.Before+len(page.Steps) == many
	}, time.Minute, time.Second)
	names := make(map[string]bool)
	for until := many; until > 0; until = page.Before {
		var err error
		page, err = BookTrip.ShowPage(t.Context(), trip, troupe.WorkflowPage{Until: until, Limit: 30})
		require.NoError(t, err)
		require.Equal(t, until, page.Before+len(page.Steps))
		require.Equal(t, many-until, page.After)
		require.NotEmpty(t, page.Steps)
		require.LessOrEqual(t, len(page.Steps), 30)
		for _, step := range page.Steps {
			names[step.Name] = true
		}
	}
	require.Len(t, names, many)
	require.True(t, names["day"])
	_, err := BookTrip.ShowPage(t.Context(), trip, troupe.WorkflowPage{Until: -1})
	require.ErrorIs(t, err, troupe.ErrBadInput)
}

// keptSteps are the keys under which steps are kept outside of records.
func keptSteps(t *testing.T, b *hosttest.Bus) []string {
	t.Helper()
	js, err := jetstream.New(b.Connect())
	require.NoError(t, err)
	index, err := js.KeyValue(t.Context(), "troupe-subscriptions")
	require.NoError(t, err)
	found, err := index.ListKeysFiltered(t.Context(), "_steps.>")
	require.NoError(t, err)
	var keys []string
	for key := range found.Keys() {
		keys = append(keys, key)
	}
	return keys
}

// TestWorkflowWithoutItsStepsIsStuck has lost what it had done.
func TestWorkflowWithoutItsStepsIsStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t)
		book := trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) {
			for range 300 {
				if _, err := actorhost.Step(w, "day", func(*actorhost.StepContext) (string, error) { return fmt.Sprintf("%0100d", 1), nil }); err != nil {
					return "", err
				}
			}
			_, err := actorhost.Wait(w, Decided, "decision", 0)
			return "decided", err
		})
		host := b.Host(book)
		trip := troupe.GetOrCreate[Trip](b.Client, "a")
		require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{}))
		awaitStatus(t, trip, troupe.WorkflowWaits)
		b.Stop(host)
		js, err := jetstream.New(b.Connect())
		require.NoError(t, err)
		stream, err := js.Stream(t.Context(), "KV_troupe-subscriptions")
		require.NoError(t, err)
		require.NoError(t, stream.Purge(t.Context()))
		b.Host(book)
		require.NoError(t, Decided.Send(t.Context(), trip, "yes"))
		require.Contains(t, awaitStatus(t, trip, troupe.WorkflowStuck).Reason, "are missing")
	})
}

// TestAllKindsOfStepsLeaveTheRecord has long workflows without a plain step.
func TestAllKindsOfStepsLeaveTheRecord(t *testing.T) {
	const many = 300
	for name, step := range map[string]func(w *actorhost.Flow[tripState]) error{
		"updates": func(w *actorhost.Flow[tripState]) error {
			return w.Update("note", func(s *tripState, _ *actorhost.Context) error { s.Notes = []string{"noted"}; return nil })
		},
		"sleeps":   func(w *actorhost.Flow[tripState]) error { return w.Sleep("rest", 10*time.Millisecond) },
		"versions": func(w *actorhost.Flow[tripState]) error { _, err := w.Version("change", 1); return err },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := hosttest.Start(t, trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) {
					for range many {
						if err := step(w); err != nil {
							return "", err
						}
					}
					return "all", nil
				}))
				trip := troupe.GetOrCreate[Trip](b.Client, "a")
				out, err := BookTrip.Run(t.Context(), trip, tripWish{})
				require.NoError(t, err)
				require.Equal(t, "all", out)
				run, err := BookTrip.Show(t.Context(), trip)
				require.NoError(t, err)
				require.Equal(t, many, run.Before+len(run.Steps))
				require.Positive(t, run.Before)
			})
		})
	}
}

// TestStepsThatWereKeptTwice has a host die when it has kept the steps elsewhere, and the record has them still. Its successor wants
// to keep one more.
func TestStepsThatWereKeptTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 40
		b := hosttest.Start(t)
		var dies atomic.Pointer[actorhost.Host]
		book := trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) {
			for i := range many {
				if _, err := actorhost.Step(w, "day", func(*actorhost.StepContext) (string, error) {
					if dies.Load() != nil && len(keptSteps(t, b)) > 0 {
						b.Kill(dies.Swap(nil))
					}
					return fmt.Sprintf("%01000d", i), nil
				}); err != nil {
					return "", err
				}
			}
			return actorhost.Wait(w, Decided, "decision", 0)
		})
		dies.Store(b.Host(book))
		trip := troupe.GetOrCreate[Trip](b.Client, "a")
		require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{}))
		require.Eventually(t, func() bool { return dies.Load() == nil }, time.Minute, 10*time.Millisecond)
		second := b.Host(book)
		awaitStatus(t, trip, troupe.WorkflowWaits)
		b.Stop(second)
		b.Host(book)
		require.NoError(t, Decided.Send(t.Context(), trip, "yes"))
		run := awaitStatus(t, trip, troupe.WorkflowSucceeded)
		require.Equal(t, "yes", run.Result)
		require.Equal(t, many+1, run.Before+len(run.Steps))
	})
}
