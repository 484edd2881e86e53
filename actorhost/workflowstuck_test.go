package actorhost_test

import (
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// awaitStatus waits until a trip is in a way.
func awaitStatus(t *testing.T, trip Trip, want troupe.WorkflowStatus) troupe.WorkflowRun {
	t.Helper()
	for range 1000 {
		run, err := BookTrip.Show(t.Context(), trip)
		require.NoError(t, err)
		if run.Status == want {
			return run
		}
		time.Sleep(100 * time.Millisecond) //nolint:forbidigo // virtual time
	}
	require.Failf(t, "the workflow does not get there", "to %s", want)
	return troupe.WorkflowRun{}
}

// callTwice is a workflow that waits for two signals, and calls the ledger in a step between them.
func callTwice(before func()) actorhost.Definition {
	return trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) {
		_, err := actorhost.Step(w, "call", func(c *actorhost.StepContext) (int, error) {
			n, err := EnterLine.Call(c, troupe.GetOrCreate[Ledger](w, "main"), "called")
			before()
			return n, err
		})
		return "called", err
	})
}

// TestStepWhoseCallsNobodyRemembersIsNotTriedAgain has all hosts away for longer than calls are remembered.
func TestStepWhoseCallsNobodyRemembersIsNotTriedAgain(t *testing.T) {
	for name, test := range map[string]struct {
		away  time.Duration
		stuck bool
	}{"not for long": {5 * time.Minute, false}, "for too long": {20 * time.Minute, true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := hosttest.Start(t)
				b.Host(lineBooks())
				var host atomic.Pointer[actorhost.Host]
				host.Store(b.Host(callTwice(func() {
					if dies := host.Swap(nil); dies != nil {
						b.Kill(dies)
					}
				})))
				trip := troupe.GetOrCreate[Trip](b.Client, "a")
				require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{}))
				time.Sleep(test.away) //nolint:forbidigo // virtual time
				require.Nil(t, host.Load(), "it has died")
				b.Host(callTwice(func() {}))
				if test.stuck {
					run := awaitStatus(t, trip, troupe.WorkflowStuck)
					require.Contains(t, run.Reason, "may have made its calls before")
					time.Sleep(time.Minute) //nolint:forbidigo // virtual time
					require.Greater(t, awaitStatus(t, trip, troupe.WorkflowStuck).Tries, 1, "it is tried again, and calls nobody")
					require.Equal(t, map[string]int{"called": 1}, readLedger(t, b, 1))
					require.NoError(t, b.Client.Invoke(t.Context(), troupe.Invocation{ID: trip.ID(), Action: troupe.RetryWorkflowAction}))
				}
				out, err := BookTrip.Result(t.Context(), trip)
				require.NoError(t, err)
				require.Equal(t, "called", out)
				if !test.stuck {
					require.Equal(t, map[string]int{"called": 1}, readLedger(t, b, 1))
				}
			})
		})
	}
}

// TestStepThatFailsAfterItsCallsIsNotTriedForEver has one fail for longer than its calls are remembered.
func TestStepThatFailsAfterItsCallsIsNotTriedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var works atomic.Bool
		b := hosttest.Start(t, lineBooks(), trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) {
			return actorhost.Step(w, "call", func(c *actorhost.StepContext) (string, error) {
				if _, err := EnterLine.Call(c, troupe.GetOrCreate[Ledger](w, "main"), "called"); err != nil || works.Load() {
					return "called", err
				}
				return "", errors.New("not now")
			}, actorhost.Tries(100, time.Minute, 2*time.Minute))
		}))
		trip := troupe.GetOrCreate[Trip](b.Client, "a")
		require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{}))
		time.Sleep(20 * time.Minute) //nolint:forbidigo // virtual time
		require.Contains(t, awaitStatus(t, trip, troupe.WorkflowStuck).Reason, "may have made its calls before")
		require.Equal(t, map[string]int{"called": 1}, readLedger(t, b, 1))
		works.Store(true)
		time.Sleep(20 * time.Minute) //nolint:forbidigo // virtual time
		awaitStatus(t, trip, troupe.WorkflowStuck)
		require.NoError(t, b.Client.Invoke(t.Context(), troupe.Invocation{ID: trip.ID(), Action: troupe.RetryWorkflowAction}))
		time.Sleep(3 * time.Minute) //nolint:forbidigo // virtual time
		require.Equal(t, "called", awaitStatus(t, trip, troupe.WorkflowSucceeded).Result)
	})
}

// TestStepThatFailsForLongIsNotStuck has one that is refused in ways that have no effect.
func TestStepThatFailsForLongIsNotStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tries atomic.Int32
		b := hosttest.Start(t, trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) {
			return actorhost.Step(w, "world", func(*actorhost.StepContext) (string, error) {
				if tries.Add(1) < 12 {
					return "", errors.New("not now")
				}
				return "at last", nil
			}, actorhost.Tries(20, time.Minute, 2*time.Minute))
		}))
		out, err := BookTrip.Run(t.Context(), troupe.GetOrCreate[Trip](b.Client, "a"), tripWish{})
		require.Eventually(t, func() bool {
			if errors.Is(err, troupe.ErrUnfinished) || errors.Is(err, troupe.ErrDeadlineExceeded) {
				out, err = BookTrip.Result(t.Context(), troupe.GetOrCreate[Trip](b.Client, "a"))
				return false
			}
			return true
		}, time.Hour, time.Second)
		require.NoError(t, err)
		require.Equal(t, "at last", out)
	})
}

// TestWorkflowIsCanceledWhileAStepRuns, and while one waits to be tried again.
func TestWorkflowIsCanceledWhileAStepRuns(t *testing.T) {
	for name, test := range map[string]struct {
		fails, want error
		after       time.Duration
	}{
		"runs":           {nil, troupe.ErrCanceled, 5 * time.Second},
		"waits":          {errors.New("not now"), troupe.ErrCanceled, 25 * time.Second},
		"fails for good": {errFullyBooked, errFullyBooked, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var r ran
				b := hosttest.Start(t, trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) {
					w.Undo("no-flight", func(*actorhost.StepContext) error { r.note("no-flight"); return nil })
					if _, err := actorhost.Step(w, "flight", func(*actorhost.StepContext) (string, error) {
						r.note("flight")
						time.Sleep(10 * time.Second) //nolint:forbidigo // virtual time
						return "", test.fails
					}, actorhost.Tries(9, time.Minute, time.Minute)); err != nil {
						return "", err
					}
					return stepOf(&r, w, "hotel", nil)
				}))
				trip := troupe.GetOrCreate[Trip](b.Client, "a")
				require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{}))
				time.Sleep(test.after) //nolint:forbidigo // virtual time
				require.NoError(t, BookTrip.Cancel(t.Context(), trip, "it rains"))
				_, err := BookTrip.Result(t.Context(), trip)
				require.ErrorIs(t, err, test.want)
				require.Equal(t, []string{"flight", "no-flight"}, r.all())
			})
		})
	}
}

// TestVersions has a workflow go on with a program that was changed meanwhile, back and forth.
func TestVersions(t *testing.T) {
	program := func(r *ran, newest int) actorhost.Definition {
		return trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) {
			if _, err := stepOf(r, w, "flight", nil); err != nil {
				return "", err
			}
			if err := w.Sleep("rest", time.Minute); err != nil {
				return "", err
			}
			if newest > 0 {
				v, err := w.Version("insurance", newest)
				if err != nil {
					return "", err
				}
				if v >= 1 {
					if _, err := stepOf(r, w, "insure", nil); err != nil {
						return "", err
					}
				}
			}
			if _, err := actorhost.Wait(w, Decided, "decision", 0); err != nil {
				return "", err
			}
			return stepOf(r, w, "hotel", nil)
		})
	}
	synctest.Test(t, func(t *testing.T) {
		var r ran
		b := hosttest.Start(t)
		old := b.Host(program(&r, 0))
		early, late := troupe.GetOrCreate[Trip](b.Client, "early"), troupe.GetOrCreate[Trip](b.Client, "late")
		require.NoError(t, BookTrip.Start(t.Context(), early, tripWish{}))
		time.Sleep(2 * time.Minute) //nolint:forbidigo // virtual time, until it waits behind where the version comes to be
		require.NoError(t, BookTrip.Start(t.Context(), late, tripWish{}))
		time.Sleep(time.Second) //nolint:forbidigo // virtual time
		b.Stop(old)
		newer := b.Host(program(&r, 1))
		time.Sleep(2 * time.Minute) //nolint:forbidigo // virtual time
		require.Equal(t, []string{"flight", "flight", "insure"}, r.all())
		b.Stop(newer)
		old = b.Host(program(&r, 0))
		require.NoError(t, Decided.Send(t.Context(), late, "yes"))
		require.Contains(t, awaitStatus(t, late, troupe.WorkflowStuck).Reason, "insurance is remembered")
		require.NoError(t, Decided.Send(t.Context(), early, "yes"))
		_, err := BookTrip.Result(t.Context(), early)
		require.NoError(t, err)
		b.Stop(old)
		b.Host(program(&r, 2))
		_, err = BookTrip.Result(t.Context(), late)
		require.NoError(t, err)
		require.Equal(t, []string{"flight", "flight", "insure", "hotel", "hotel"}, r.all())
	})
}

// TestRestart has a workflow that begins anew with another input.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r ran
		b := hosttest.Start(t, trips(func(w *actorhost.Flow[tripState], wish tripWish) (string, error) {
			if _, err := stepOf(&r, w, wish.To, nil); err != nil {
				return "", err
			}
			if wish.Days < 3 {
				return "", actorhost.Restart(w, BookTrip, tripWish{wish.To + "-", wish.Days + 1})
			}
			return wish.To, nil
		}))
		out, err := BookTrip.Run(t.Context(), troupe.GetOrCreate[Trip](b.Client, "a"), tripWish{"Rome", 1})
		require.NoError(t, err)
		require.Equal(t, "Rome--", out)
	})
}

// TestStepThatDoesNotReturnIsStuck has one end its goroutine, as a test does that fails.
func TestStepThatDoesNotReturnIsStuck(t *testing.T) {
	for name, steps := range map[string]func(w *actorhost.Flow[tripState]) error{
		"a step": func(w *actorhost.Flow[tripState]) error {
			_, err := actorhost.Step(w, "flight", func(*actorhost.StepContext) (int, error) { runtime.Goexit(); return 0, nil })
			return err
		},
		"an item": func(w *actorhost.Flow[tripState]) error {
			_, err := actorhost.Each(w, "flight", []int{1, 2}, 2, func(*actorhost.StepContext, int) (int, error) { runtime.Goexit(); return 0, nil })
			return err
		},
		"the function": func(*actorhost.Flow[tripState]) error { runtime.Goexit(); return nil },
		"a panic":      func(*actorhost.Flow[tripState]) error { panic("out of luck") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := hosttest.Start(t, trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) { return "", steps(w) }))
				trip := troupe.GetOrCreate[Trip](b.Client, "a")
				require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{}))
				require.Contains(t, awaitStatus(t, trip, troupe.WorkflowStuck).Reason, "has not returned")
				_, err := Notes.Call(t.Context(), trip, nil)
				require.NoError(t, err, "the actor goes on")
			})
		})
	}
}
