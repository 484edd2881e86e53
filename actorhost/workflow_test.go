package actorhost_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
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

// A Trip is booked by a workflow.
type Trip struct{ troupe.Ref }

func (Trip) ActorType() string { return "trip" }

type tripWish struct {
	To   string
	Days int
}

type tripState struct{ Notes []string }

var (
	BookTrip = troupe.NewWorkflow[Trip, tripWish, string]("book")
	Decided  = troupe.NewSignal[Trip, string]("decided")
	Notes    = troupe.NewAction[Trip, troupe.None, []string]("notes")
)

// trips are defined with a workflow that a test gives, and by which it is to be known.
func trips(book func(w *actorhost.Flow[tripState], wish tripWish) (string, error)) actorhost.Definition {
	return actorhost.Define(func() tripState { return tripState{} },
		actorhost.OnWorkflow(BookTrip, book), actorhost.OnSignal[Trip, tripState](Decided),
		actorhost.On(Notes, actorhost.NoIn(func(s *tripState, _ *actorhost.Context) ([]string, error) { return s.Notes, nil })))
}

// ran notes what has run, in order.
type ran struct {
	mu    sync.Mutex
	names []string
}

func (r *ran) note(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.names = append(r.names, name)
}

func (r *ran) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.names)
}

// stepOf is a step that notes that it has run, and fails if it is told to.
func stepOf(r *ran, w *actorhost.Flow[tripState], name string, fails error, options ...actorhost.StepOption) (string, error) {
	return actorhost.Step(w, name, func(*actorhost.StepContext) (string, error) {
		r.note(name)
		return name + " is done", fails
	}, options...)
}

func TestWorkflowRunsToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r ran
		b := hosttest.Start(t, trips(func(w *actorhost.Flow[tripState], wish tripWish) (string, error) {
			if _, err := stepOf(&r, w, "flight", nil); err != nil {
				return "", err
			}
			if err := w.Update("note", func(s *tripState, _ *actorhost.Context) error {
				s.Notes = append(s.Notes, "the flight to "+wish.To)
				return nil
			}); err != nil {
				return "", err
			}
			if err := w.Sleep("rest", 10*time.Minute); err != nil {
				return "", err
			}
			return stepOf(&r, w, "hotel", nil)
		}))
		trip := troupe.GetOrCreate[Trip](b.Client, "a")
		_, err := BookTrip.Result(t.Context(), trip)
		require.ErrorIs(t, err, troupe.ErrNotFound)
		require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{"Rome", 3}))
		require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{"Rome", 3}), "with the same input it is the same")
		require.ErrorIs(t, BookTrip.Start(t.Context(), trip, tripWish{"Oslo", 3}), troupe.ErrRequestReused)
		synctest.Wait()
		run, err := BookTrip.Show(t.Context(), trip)
		require.NoError(t, err)
		require.Equal(t, troupe.WorkflowWaits, run.Status)
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		out, err := BookTrip.Result(ctx, trip)
		require.NoError(t, err)
		require.Equal(t, "hotel is done", out)
		require.InDelta(t, 10, time.Since(began).Minutes(), 0.1)
		require.Equal(t, []string{"flight", "hotel"}, r.all(), "each has run once")
		notes, err := Notes.Call(t.Context(), trip, nil)
		require.NoError(t, err)
		require.Equal(t, []string{"the flight to Rome"}, notes)
		run, err = BookTrip.Show(t.Context(), trip)
		require.NoError(t, err)
		require.Equal(t, troupe.WorkflowSucceeded, run.Status)
		require.Len(t, run.Steps, 4)
	})
}

// TestResultIsToldAtOnce when the workflow ends, and where it is to be asked for again, when the host stops.
func TestResultIsToldAtOnce(t *testing.T) {
	for name, stops := range map[string]bool{"it ends": false, "its host stops": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := hosttest.Start(t)
				host := b.Host(untilDecided(0, 0))
				trip := troupe.GetOrCreate[Trip](b.Client, "a")
				require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{}))
				told := make(chan error, 1)
				var out string
				began := time.Now()
				go func() {
					told <- b.Client.Invoke(t.Context(), troupe.Invocation{ID: trip.ID(), Action: troupe.ResultAction, In: BookTrip.Name(), Out: &out})
				}()
				time.Sleep(time.Second) //nolint:forbidigo // virtual time
				if stops {
					b.Stop(host)
					require.ErrorIs(t, <-told, troupe.ErrUnfinished)
				} else {
					require.NoError(t, Decided.Send(t.Context(), trip, "yes"))
					require.NoError(t, <-told)
					require.Equal(t, "yes", out)
				}
				require.Less(t, time.Since(began), 2*time.Second)
			})
		})
	}
}

// TestWorkflowThatGivesNothing is shown all the same, and each of its steps.
func TestWorkflowThatGivesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nothing := func(*actorhost.StepContext) (int, error) { return 0, nil }
		b := hosttest.Start(t, trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) {
			if _, err := actorhost.Step(w, "one", nothing); err != nil {
				return "", err
			}
			_, err := actorhost.Wait(w, Decided, "decision", 0)
			return "", err
		}))
		trip := troupe.GetOrCreate[Trip](b.Client, "a")
		require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{}))
		require.EqualValues(t, 0, awaitStatus(t, trip, troupe.WorkflowWaits).Steps[0].Result)
		require.NoError(t, Decided.Send(t.Context(), trip, ""))
		run := awaitStatus(t, trip, troupe.WorkflowSucceeded)
		require.Empty(t, run.Result)
		require.Len(t, run.Steps, 2)
	})
}

// TestNowOfAWorkflow is the same each time that its function runs.
func TestNowOfAWorkflow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		times := map[string][]time.Time{}
		b := hosttest.Start(t, trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) {
			for _, day := range []string{"first", "second", "third"} {
				mu.Lock()
				times[day] = append(times[day], w.Now())
				mu.Unlock()
				if err := w.Sleep(day, time.Minute); err != nil {
					return "", err
				}
			}
			return "", nil
		}))
		began := time.Now()
		trip := troupe.GetOrCreate[Trip](b.Client, "a")
		require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{}))
		time.Sleep(4 * time.Minute) //nolint:forbidigo // virtual time
		awaitStatus(t, trip, troupe.WorkflowSucceeded)
		for i, day := range []string{"first", "second", "third"} {
			require.GreaterOrEqual(t, len(times[day]), 2, "the function has passed it again")
			for _, at := range times[day] {
				require.Equal(t, times[day][0], at)
				require.WithinDuration(t, began.Add(time.Duration(i)*time.Minute), at, 10*time.Second)
			}
		}
	})
}

var errFullyBooked = troupe.NewError("fully_booked", "there is no room")

func TestWorkflowUndoesInReverse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r ran
		var fails atomic.Int32
		fails.Store(3)
		b := hosttest.Start(t, trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) {
			undo := func(name string) {
				w.Undo("no-"+name, func(*actorhost.StepContext) error {
					if fails.Add(-1) >= 0 {
						return errors.New("not now")
					}
					r.note("no-" + name)
					return nil
				})
			}
			for _, name := range []string{"flight", "car"} {
				if _, err := stepOf(&r, w, name, nil); err != nil {
					return "", err
				}
				undo(name)
			}
			return stepOf(&r, w, "hotel", errFullyBooked)
		}))
		trip := troupe.GetOrCreate[Trip](b.Client, "a")
		_, err := BookTrip.Run(t.Context(), trip, tripWish{})
		require.ErrorIs(t, err, errFullyBooked)
		require.Equal(t, []string{"flight", "car", "hotel", "no-car", "no-flight"}, r.all())
		run, err := BookTrip.Show(t.Context(), trip)
		require.NoError(t, err)
		require.Equal(t, troupe.WorkflowFailed, run.Status)
	})
}

func TestSignals(t *testing.T) {
	wait := func(most time.Duration) actorhost.Definition {
		return trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) {
			first, err := actorhost.Wait(w, Decided, "first", most)
			switch {
			case errors.Is(err, troupe.ErrTimedOut):
				first = "nobody"
			case err != nil:
				return "", err
			}
			second, err := actorhost.Wait(w, Decided, "second", 0)
			return first + " and " + second, err
		})
	}
	for name, test := range map[string]struct {
		most   time.Duration
		before []time.Duration // the pauses before the signals
		want   string
	}{
		"at once":        {time.Hour, []time.Duration{0, 0}, "a and b"},
		"later":          {time.Hour, []time.Duration{time.Minute, 3 * time.Minute}, "a and b"},
		"after the time": {time.Minute, []time.Duration{2 * time.Minute}, "nobody and a"},
		"without a time": {0, []time.Duration{5 * time.Minute, time.Second}, "a and b"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := hosttest.Start(t, wait(test.most))
				trip := troupe.GetOrCreate[Trip](b.Client, "a")
				require.ErrorIs(t, Decided.Send(t.Context(), trip, "x"), troupe.ErrNotFound)
				require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{}))
				for i, pause := range test.before {
					time.Sleep(pause) //nolint:forbidigo // virtual time
					require.NoError(t, Decided.Send(t.Context(), trip, string(rune('a'+i))))
				}
				out, err := BookTrip.Result(t.Context(), trip)
				require.NoError(t, err)
				require.Equal(t, test.want, out)
			})
		})
	}
}

func TestWorkflowIsCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r ran
		b := hosttest.Start(t, trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) {
			if _, err := stepOf(&r, w, "flight", nil); err != nil {
				return "", err
			}
			w.Undo("no-flight", func(*actorhost.StepContext) error { r.note("no-flight"); return nil })
			if err := w.Sleep("rest", time.Hour); err != nil {
				return "", err
			}
			return stepOf(&r, w, "hotel", nil)
		}))
		trip := troupe.GetOrCreate[Trip](b.Client, "a")
		require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{}))
		time.Sleep(time.Minute) //nolint:forbidigo // virtual time
		require.NoError(t, BookTrip.Cancel(t.Context(), trip, "it rains"))
		_, err := BookTrip.Result(t.Context(), trip)
		require.ErrorIs(t, err, troupe.ErrCanceled)
		require.ErrorContains(t, err, "it rains")
		require.Equal(t, []string{"flight", "no-flight"}, r.all())
	})
}

func TestEachRunsSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int32
		b := hosttest.Start(t, trips(func(w *actorhost.Flow[tripState], wish tripWish) (string, error) {
			days := make([]int, wish.Days)
			for i := range days {
				days[i] = i
			}
			out, err := actorhost.Each(w, "day", days, 3, func(c *actorhost.StepContext, day int) (string, error) {
				if n := now.Add(1); n > most.Load() {
					most.Store(n)
				}
				defer now.Add(-1)
				time.Sleep(time.Second) //nolint:forbidigo // virtual time
				if day == 4 && c.Attempt() < 3 {
					return "", errors.New("not now")
				}
				return fmt.Sprint("day ", day), nil
			})
			return fmt.Sprint(len(out), " ", out[4]), err
		}))
		out, err := BookTrip.Run(t.Context(), troupe.GetOrCreate[Trip](b.Client, "a"), tripWish{Days: 10})
		require.NoError(t, err)
		require.Equal(t, "10 day 4", out)
		require.EqualValues(t, 3, most.Load())
	})
}

// TestNothingRunsOnceAWorkflowWaits has a function that does not care for errors.
func TestNothingRunsOnceAWorkflowWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r ran
		var passes atomic.Int32
		b := hosttest.Start(t, trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) {
			defer func() { _, _ = stepOf(&r, w, "deferred", nil) }()
			passes.Add(1)
			_ = w.Sleep("rest", time.Minute)
			for range 3 {
				_, _ = stepOf(&r, w, "hotel", nil)
			}
			_ = w.Update("note", func(*tripState, *actorhost.Context) error { r.note("update"); return nil })
			return "", errFullyBooked
		}))
		trip := troupe.GetOrCreate[Trip](b.Client, "a")
		require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{}))
		time.Sleep(50 * time.Second) //nolint:forbidigo // virtual time
		require.Empty(t, r.all())
		require.EqualValues(t, 1, passes.Load())
		_, err := BookTrip.Result(t.Context(), trip)
		require.ErrorIs(t, err, errFullyBooked)
		require.Equal(t, []string{"hotel", "hotel", "hotel", "update", "deferred"}, r.all())
		require.EqualValues(t, 2, passes.Load())
	})
}

// TestFunctionThatNeverReturnsIsEnded has one that asks for a step again and again.
func TestFunctionThatNeverReturnsIsEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t, trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) {
			for asked := 0; w.Sleep("rest", time.Minute) != nil; asked++ {
				runtime.Gosched()
			}
			return "rested", nil
		}))
		out, err := BookTrip.Run(t.Context(), troupe.GetOrCreate[Trip](b.Client, "a"), tripWish{})
		require.NoError(t, err)
		require.Equal(t, "rested", out)
	})
}
