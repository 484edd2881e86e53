package actorhost_test

import (
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

// TestNoStepEndsAllHosts has a step end its host whenever it is tried, alone and among items. Its workflow is stuck after some hosts,
// until somebody retries it.
func TestNoStepEndsAllHosts(t *testing.T) {
	const items, bad = 40, 20
	for name, steps := range map[string]func(w *actorhost.Flow[tripState], boom func(*actorhost.StepContext) (int, error)) error{
		"step": func(w *actorhost.Flow[tripState], boom func(*actorhost.StepContext) (int, error)) error {
			_, err := actorhost.Step(w, "bad", boom)
			return err
		},
		"item": func(w *actorhost.Flow[tripState], boom func(*actorhost.StepContext) (int, error)) error {
			_, err := actorhost.Each(w, "each", make([]int, items), items, func(c *actorhost.StepContext, _ int) (int, error) {
				time.Sleep(time.Second) //nolint:forbidigo // virtual time
				if c.IdempotencyKey()[len(c.IdempotencyKey())-len("[20]"):] == fmt.Sprintf("[%d]", bad) {
					return boom(c)
				}
				return 0, nil
			})
			return err
		},
		"undo": func(w *actorhost.Flow[tripState], boom func(*actorhost.StepContext) (int, error)) error {
			w.Undo("bad", func(c *actorhost.StepContext) error { _, err := boom(c); return err })
			return errFullyBooked
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := hosttest.Start(t)
				ends, mended := make(chan struct{}), atomic.Bool{}
				kind := trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) {
					if _, err := actorhost.Step(w, "good", func(*actorhost.StepContext) (int, error) { return 0, nil }); err != nil {
						return "", err
					}
					return "booked", steps(w, func(c *actorhost.StepContext) (int, error) {
						if mended.Load() {
							return 0, nil
						}
						ends <- struct{}{}
						<-c.Done()
						return 0, c.Err()
					})
				})
				host, trip := b.Host(kind), troupe.GetOrCreate[Trip](b.Client, "a")
				ended := func() (n int) {
					for {
						select {
						case <-ends:
							b.Kill(host)
							host = b.Host(kind)
							n++
							require.Less(t, n, 20)
						case <-time.After(15 * time.Minute):
							return n
						}
					}
				}
				require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{}))
				require.Equal(t, endsHosts, ended())
				run, err := BookTrip.Show(t.Context(), trip)
				require.NoError(t, err)
				require.Equal(t, troupe.WorkflowStuck, run.Status)
				require.Regexp(t, `^the step \S+ has ended its host 5 times`, run.Reason)
				require.NoError(t, b.Client.Actor("trip", "a").Call(t.Context(), troupe.RetryWorkflowAction, nil, nil))
				require.Equal(t, endsHosts, ended())
				began := time.Now()
				if name == "step" {
					require.NoError(t, BookTrip.Cancel(t.Context(), trip, "it never ends"))
					_, err = BookTrip.Result(t.Context(), trip)
					require.ErrorIs(t, err, troupe.ErrCanceled)
					require.Less(t, time.Since(began), time.Second)
					require.Zero(t, ended())
					return
				}
				mended.Store(true)
				require.NoError(t, b.Client.Actor("trip", "a").Call(t.Context(), troupe.RetryWorkflowAction, nil, nil))
				out, err := BookTrip.Result(t.Context(), trip)
				if name == "undo" {
					require.ErrorIs(t, err, errFullyBooked)
					return
				}
				require.NoError(t, err)
				require.Equal(t, "booked", out)
			})
		})
	}
}

// TestStepsThatAreNotToBlame are under way for hours while their hosts die, and stop, for other reasons. Nothing of that has their
// workflows stuck, or has one wait for the other to end.
func TestStepsThatAreNotToBlame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t)
		began, host := make(chan struct{}, 2), (*actorhost.Host)(nil)
		kind := trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) {
			if _, err := actorhost.Step(w, "pack", func(*actorhost.StepContext) (int, error) { return 0, nil }); err != nil {
				return "", err
			}
			return actorhost.Step(w, "walk", func(c *actorhost.StepContext) (string, error) {
				began <- struct{}{}
				select {
				case <-time.After(time.Hour):
					return "there", nil
				case <-c.Done():
					return "", c.Err()
				}
			})
		})
		host = b.Host(kind)
		for _, key := range []string{"a", "b"} {
			require.NoError(t, BookTrip.Start(t.Context(), troupe.GetOrCreate[Trip](b.Client, key), tripWish{}))
		}
		next := func(end func(*actorhost.Host)) {
			within := time.After(time.Minute)
			for range 2 {
				select {
				case <-began:
				case <-within:
					require.Fail(t, "one waits for the other")
				}
			}
			other := b.Host(kind)
			end(host)
			host = other
		}
		for range endsHosts - 1 {
			next(b.Kill)
		}
		for range 2 * endsHosts {
			next(b.Stop)
		}
		for _, key := range []string{"a", "b"} {
			out, err := BookTrip.Result(t.Context(), troupe.GetOrCreate[Trip](b.Client, key))
			require.NoError(t, err)
			require.Equal(t, "there", out)
		}
	})
}
