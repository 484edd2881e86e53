package actorhost_test

import (
	"errors"
	"fmt"
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

// TestCancelBeforeItemsWait cancels a workflow while its items run. Then they fail, and would wait.
func TestCancelBeforeItemsWait(t *testing.T) {
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
			_, err := actorhost.Each(w, "day", []int{0, 1, 2}, 3, func(_ *actorhost.StepContext, i int) (int, error) {
				time.Sleep(time.Duration(10+i) * time.Second) //nolint:forbidigo // virtual time
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
}
