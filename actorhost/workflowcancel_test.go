package actorhost_test

import (
	"errors"
	"fmt"
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

// TestCancelAmongItems cancels a workflow while some of the items that run side by side wait, and kills its host while it undoes.
func TestCancelAmongItems(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t)
		b.Host(lineBooks())
		var dies atomic.Pointer[func()]
		book := trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) {
			enter := func(c *actorhost.StepContext, what string) (int, error) {
				return EnterLine.Call(c, troupe.GetOrCreate[Ledger](w, "main"), what)
			}
			w.Undo("undone", func(c *actorhost.StepContext) error {
				_, err := enter(c, "undone")
				if die := dies.Swap(nil); die != nil {
					(*die)()
				}
				return err
			})
			_, err := actorhost.Each(w, "day", []int{0, 1, 2, 3}, 2, func(c *actorhost.StepContext, i int) (int, error) {
				if i == 1 || i == 2 {
					return 0, errors.New("not now")
				}
				return enter(c, fmt.Sprint("day", i))
			}, actorhost.Tries(9, time.Hour, time.Hour))
			return "", err
		})
		host := b.Host(book)
		die := func() { b.Kill(host) }
		dies.Store(&die)
		trip := troupe.GetOrCreate[Trip](b.Client, "a")
		require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{}))
		for len(awaitStatus(t, trip, troupe.WorkflowWaits).Waits) < 2 {
			time.Sleep(100 * time.Millisecond) //nolint:forbidigo // virtual time
		}
		b.Host(book)
		require.NoError(t, BookTrip.Cancel(t.Context(), trip, "it rains"))
		require.Equal(t, map[string]int{"day0": 1, "day3": 1, "undone": 1}, readLedger(t, b, 3))
		_, err := BookTrip.Result(t.Context(), trip)
		require.ErrorIs(t, err, troupe.ErrCanceled)
		require.Nil(t, dies.Load())
	})
}

// TestReasonThatIsCut: what is kept of it is text still, so the workflow can be shown.
func TestReasonThatIsCut(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) {
		return "", w.Sleep("night", time.Hour)
	}))
	trip := troupe.GetOrCreate[Trip](b.Client, "a")
	require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{}))
	awaitStatus(t, trip, troupe.WorkflowWaits)
	require.NoError(t, BookTrip.Cancel(t.Context(), trip, "x"+strings.Repeat("é", 2000)))
	require.Contains(t, awaitStatus(t, trip, troupe.WorkflowCanceled).Error, "éé")
}

// TestCancelBeforeItemsWait cancels a workflow while its items run. Then some fail, and would wait, the last of them when the workflow
// knows that it is canceled. Undos that are tried twice look at what waits.
func TestCancelBeforeItemsWait(t *testing.T) {
	for name, atOnce := range map[string]int{"all run": 3, "one has not begun": 2} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := hosttest.Start(t, trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) {
					for _, name := range []string{"no-flight", "no-hotel"} {
						w.Undo(name, func(c *actorhost.StepContext) error {
							if c.Attempt() < 2 {
								return errors.New("not now")
							}
							return nil
						})
					}
					_, err := actorhost.Each(w, "day", []int{0, 1, 2}, atOnce, func(_ *actorhost.StepContext, i int) (int, error) {
						time.Sleep(time.Duration(12-i) * time.Second) //nolint:forbidigo // virtual time
						return 0, errors.New("not now")
					}, actorhost.Tries(9, time.Minute, time.Minute))
					return "", err
				}))
				trip, began := troupe.GetOrCreate[Trip](b.Client, "a"), time.Now()
				require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{}))
				time.Sleep(5 * time.Second) //nolint:forbidigo // virtual time
				require.NoError(t, BookTrip.Cancel(t.Context(), trip, "it rains"))
				_, err := BookTrip.Result(t.Context(), trip)
				require.ErrorIs(t, err, troupe.ErrCanceled)
				const runs, undos = 12, 1 + 1
				require.InDelta(t, runs+undos, time.Since(began).Seconds(), 1)
			})
		})
	}
}

// TestCancelIsNotLost cancels workflows whose step runs, and which would wait, or go on, or begin anew, after that.
func TestCancelIsNotLost(t *testing.T) {
	hourly := actorhost.Tries(9, time.Hour, time.Hour)
	for name, test := range map[string]struct {
		book  func(w *actorhost.Flow[tripState], wish tripWish, step func(fails bool) error) error
		steps int32 // that begin
	}{
		"a step that waits after that": {func(w *actorhost.Flow[tripState], _ tripWish, step func(bool) error) error {
			_, err := actorhost.Step(w, "flight", func(*actorhost.StepContext) (int, error) { return 0, step(true) }, hourly)
			return err
		}, 1},
		"items that are yet to begin": {func(w *actorhost.Flow[tripState], _ tripWish, step func(bool) error) error {
			_, err := actorhost.Each(w, "day", make([]int, 10), 2, func(*actorhost.StepContext, int) (int, error) { return 0, step(false) })
			return err
		}, 2},
		"items that wait, and that wait after that": {func(w *actorhost.Flow[tripState], _ tripWish, step func(bool) error) error {
			_, err := actorhost.Each(w, "day", []int{0, 1, 2, 3}, 2, func(_ *actorhost.StepContext, i int) (int, error) {
				if i == 1 {
					return 0, errors.New("not now")
				}
				return 0, step(true)
			}, hourly)
			return err
		}, 2},
		"a run that begins anew": {func(w *actorhost.Flow[tripState], wish tripWish, step func(bool) error) error {
			if _, err := actorhost.Step(w, "flight", func(*actorhost.StepContext) (int, error) { return 0, step(false) }); err != nil {
				return err
			}
			return actorhost.Restart(w, BookTrip, tripWish{Days: wish.Days + 1})
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var begun, undone atomic.Int32
				b := hosttest.Start(t, trips(func(w *actorhost.Flow[tripState], wish tripWish) (string, error) {
					w.Undo("undone", func(*actorhost.StepContext) error { undone.Add(1); return nil })
					return "", test.book(w, wish, func(fails bool) error {
						begun.Add(1)
						time.Sleep(10 * time.Second) //nolint:forbidigo // virtual time
						if fails {
							return errors.New("not now")
						}
						return nil
					})
				}))
				trip, began := troupe.GetOrCreate[Trip](b.Client, "a"), time.Now()
				require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{}))
				time.Sleep(5 * time.Second) //nolint:forbidigo // virtual time
				require.NoError(t, BookTrip.Cancel(t.Context(), trip, "it rains"))
				_, err := BookTrip.Result(t.Context(), trip)
				require.ErrorIs(t, err, troupe.ErrCanceled)
				require.Less(t, time.Since(began), 12*time.Second)
				require.Equal(t, test.steps, begun.Load())
				require.EqualValues(t, 1, undone.Load())
			})
		})
	}
}

// TestItemThatWaitsForACanceledWorkflow fails at once, and the others go on: this workflow is not canceled.
func TestItemThatWaitsForACanceledWorkflow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var done atomic.Int32
		b := hosttest.Start(t, trips(func(w *actorhost.Flow[tripState], wish tripWish) (string, error) {
			if wish.Days == 1 {
				return "", w.Sleep("rest", time.Hour)
			}
			_, err := actorhost.Each(w, "day", []int{0, 1, 2}, 3, func(c *actorhost.StepContext, i int) (string, error) {
				switch {
				case i == 1:
					return BookTrip.Run(c, troupe.GetOrCreate[Trip](w, "b"), tripWish{Days: 1})
				case c.Attempt() < 3:
					return "", errors.New("not now")
				}
				done.Add(1)
				return "", nil
			}, actorhost.Tries(9, time.Minute, time.Minute))
			return "", err
		}))
		trip, began := troupe.GetOrCreate[Trip](b.Client, "a"), time.Now()
		require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{}))
		time.Sleep(time.Second) //nolint:forbidigo // virtual time
		require.NoError(t, BookTrip.Cancel(t.Context(), troupe.GetOrCreate[Trip](b.Client, "b"), "it rains"))
		_, err := BookTrip.Result(t.Context(), trip)
		require.ErrorIs(t, err, troupe.ErrCanceled)
		require.InDelta(t, 2, time.Since(began).Minutes(), 0.1)
		require.EqualValues(t, 2, done.Load())
	})
}
