package actorhost_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// Here a workflow has several steps, and more than one thing happens to it.

// TestStepsTogether has functions that must come to their end in time.
func TestStepsTogether(t *testing.T) {
	for name, test := range map[string]struct {
		takes time.Duration
		gives string
		book  func(w *actorhost.Flow[tripState]) (string, error)
	}{
		"versions in a loop": {3 * time.Second, "111", func(w *actorhost.Flow[tripState]) (all string, _ error) {
			for range 3 {
				v, err := w.Version("better", 1)
				if err != nil {
					return "", err
				}
				all += fmt.Sprint(v)
				if err := w.Sleep("rest", time.Second); err != nil {
					return "", err
				}
			}
			return all, nil
		}},
		"items whose calls are remembered for less long than all take": {16 * time.Minute, "[1 1]", func(w *actorhost.Flow[tripState]) (string, error) {
			all, err := actorhost.Each(w, "day", []int{0, 1}, 1, func(c *actorhost.StepContext, i int) (int, error) {
				if i == 0 {
					select {
					case <-time.After(16 * time.Minute):
					case <-c.Done():
					}
				}
				return EnterLine.Call(c, troupe.GetOrCreate[Ledger](w, "main"), fmt.Sprint(i))
			})
			return fmt.Sprint(all), err
		}},
		"large items, and what comes after them": {2 * time.Second, "there", func(w *actorhost.Flow[tripState]) (string, error) {
			for range 2 {
				if _, err := actorhost.Each(w, "day", make([]int, 100), 50, func(*actorhost.StepContext, int) (string, error) {
					return strings.Repeat("x", 500), nil
				}); err != nil {
					return "", err
				}
				if err := w.Sleep("rest", time.Second); err != nil {
					return "", err
				}
			}
			return "there", nil
		}},
		"a time that is over": {0, "too late", func(w *actorhost.Flow[tripState]) (string, error) {
			_, err := actorhost.Wait(w, Decided, "decision", -time.Second)
			if errors.Is(err, troupe.ErrTimedOut) {
				return "too late", nil
			}
			return "", err
		}},
		"a step that says it is suspended": {time.Second, "2", func(w *actorhost.Flow[tripState]) (string, error) {
			return actorhost.Step(w, "flight", func(c *actorhost.StepContext) (string, error) {
				if c.Attempt() == 1 {
					return "", fmt.Errorf("of another: %w", actorhost.ErrSuspended)
				}
				return fmt.Sprint(c.Attempt()), nil
			})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := hosttest.Start(t, lineBooks(), trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) { return test.book(w) }))
				began := time.Now()
				out, err := BookTrip.Run(t.Context(), troupe.GetOrCreate[Trip](b.Client, "a"), tripWish{})
				require.NoError(t, err)
				require.Equal(t, test.gives, out)
				require.InDelta(t, test.takes.Seconds(), time.Since(began).Seconds(), 0.5)
			})
		})
	}
}

// TestPausesOfManyTries double up to the longest, and stay there however often the step fails.
func TestPausesOfManyTries(t *testing.T) {
	t.Parallel()
	const tries = 40
	b := hosttest.Start(t, trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) {
		return actorhost.Step(w, "flight", func(*actorhost.StepContext) (string, error) { return "", errors.New("not now") },
			actorhost.Tries(tries, time.Minute, time.Hour))
	}))
	trip, began := troupe.GetOrCreate[Trip](b.Client, "a"), b.Now()
	require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{}))
	b.Advance(40 * time.Hour)
	_, err := BookTrip.Result(t.Context(), trip)
	require.ErrorIs(t, err, troupe.ErrInternal)
	run, err := BookTrip.Show(t.Context(), trip)
	require.NoError(t, err)
	require.InDelta(t, (1+2+4+8+16+32+(tries-1-6)*60)/60.0, run.Ended.Sub(began).Hours(), 0.1)
}

// TestUndoThatDoesNotReturn ends its goroutine: the workflow is stuck, and no step runs again.
func TestUndoThatDoesNotReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r ran
		var undone atomic.Int32
		b := hosttest.Start(t, trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) {
			w.Undo("undone", func(*actorhost.StepContext) error {
				if undone.Add(1) < 3 {
					runtime.Goexit()
				}
				return nil
			})
			if _, err := stepOf(&r, w, "flight", nil); err != nil {
				return "", err
			}
			return "", errFullyBooked
		}))
		trip := troupe.GetOrCreate[Trip](b.Client, "a")
		require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{}))
		require.Contains(t, awaitStatus(t, trip, troupe.WorkflowStuck).Reason, "an undo has not returned")
		_, err := BookTrip.Result(t.Context(), trip)
		require.ErrorIs(t, err, errFullyBooked)
		require.Equal(t, []string{"flight"}, r.all())
	})
}

// TestWhatStepsDoToOthersIsOnce has the host die after a step has pushed messages, or an update has made a call.
func TestWhatStepsDoToOthersIsOnce(t *testing.T) {
	for _, point := range []string{"push", "call"} {
		t.Run(point, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := hosttest.Start(t, lineBooks(), sorterType())
				var dies atomic.Pointer[actorhost.Host]
				book := trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) {
					if _, err := actorhost.Step(w, "push", func(c *actorhost.StepContext) (int, error) {
						sorter := troupe.GetOrCreate[Sorter](w, "a")
						return 0, errors.Join(Sort.Push(c, sorter, letter{Text: "a"}), Sort.Push(c, sorter, letter{Text: "a"}))
					}); err != nil {
						return "", err
					}
					return "", w.Update("call", func(_ *tripState, c *actorhost.Context) error {
						_, err := EnterLine.Call(c, troupe.GetOrCreate[Ledger](c, "main"), "called")
						if host := dies.Swap(nil); host != nil {
							b.Kill(host)
						}
						return err
					})
				})
				host := b.Host(book)
				if point == "push" {
					b.CrashAfter(point)
				} else {
					dies.Store(host)
				}
				trip := troupe.GetOrCreate[Trip](b.Client, "a")
				require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{}))
				if point == "call" {
					b.Host(book)
				}
				_, err := BookTrip.Result(t.Context(), trip)
				require.NoError(t, err)
				require.Nil(t, dies.Load())
				require.Equal(t, map[string]int{"called": 1}, readLedger(t, b, 1))
				require.Len(t, awaitSorted(t, troupe.GetOrCreate[Sorter](b.Client, "a"), 2), 2)
			})
		})
	}
}

// TestProgramThatDoesNotFail runs nothing of a workflow that had failed, and does not end it. One in which a step has become several has
// no results for them.
func TestProgramThatDoesNotFail(t *testing.T) {
	for name, test := range map[string]struct {
		fails  bool
		book   func(w *actorhost.Flow[tripState]) (string, error)
		reason string
	}{
		"it succeeds": {true, func(w *actorhost.Flow[tripState]) (string, error) { return stepOf(new(ran), w, "flight", nil) }, "it has not failed"},
		"it restarts": {true, func(w *actorhost.Flow[tripState]) (string, error) {
			_, _ = stepOf(new(ran), w, "flight", nil)
			return "", actorhost.Restart(w, BookTrip, tripWish{Days: 5})
		}, "it has not failed"},
		"a step is several": {false, func(w *actorhost.Flow[tripState]) (string, error) {
			all, err := actorhost.Each(w, "flight", []int{1, 2}, 1, func(*actorhost.StepContext, int) (string, error) { return "", nil })
			return fmt.Sprint(all), err
		}, "the items of flight were asked for"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := hosttest.Start(t)
				old := func(undoFails bool) actorhost.Definition {
					return trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) {
						w.Undo("undone", func(*actorhost.StepContext) error {
							if undoFails {
								return errors.New("not now")
							}
							return nil
						})
						if _, err := stepOf(new(ran), w, "flight", nil); err != nil || test.fails {
							return "", errors.Join(err, errFullyBooked)
						}
						return "there", w.Sleep("rest", time.Hour)
					})
				}
				first := b.Host(old(true))
				trip := troupe.GetOrCreate[Trip](b.Client, "a")
				require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{}))
				time.Sleep(time.Second) //nolint:forbidigo // virtual time
				b.Stop(first)
				second := b.Host(trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) { return test.book(w) }))
				if !test.fails {
					require.NoError(t, BookTrip.Cancel(t.Context(), trip, "it rains"))
				}
				require.Contains(t, awaitStatus(t, trip, troupe.WorkflowStuck).Reason, test.reason)
				b.Stop(second)
				b.Host(old(false))
				_, err := BookTrip.Result(t.Context(), trip)
				require.Error(t, err)
				run, err := BookTrip.Show(t.Context(), trip)
				require.NoError(t, err)
				require.Equal(t, "undone", run.Steps[len(run.Steps)-1].Name)
			})
		})
	}
}

// TestNowAfterItems is the same each time, in whichever order items that end together are stored.
func TestNowAfterItems(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) {
		for range 10 {
			if _, err := actorhost.Each(w, "day", make([]int, 40), 40, func(*actorhost.StepContext, int) (int, error) {
				return 0, nil
			}); err != nil {
				return "", err
			}
			now := w.Now()
			first, err := actorhost.Step(w, "now", func(*actorhost.StepContext) (time.Time, error) { return now, nil })
			if err != nil {
				return "", err
			}
			if !first.Equal(now) {
				return "", fmt.Errorf("it was %v, and is %v", first, now)
			}
			if err := w.Sleep("rest", time.Millisecond); err != nil {
				return "", err
			}
		}
		return "", nil
	}))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err := BookTrip.Run(ctx, troupe.GetOrCreate[Trip](b.Client, "a"), tripWish{})
	require.NoError(t, err)
}
