package actorhost_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/record"
)

// untilDecided is a workflow that waits for a signal, after a step that gives so many bytes so often.
func untilDecided(steps, size int) actorhost.Definition {
	return trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) {
		for range steps {
			if _, err := actorhost.Step(w, "day", func(*actorhost.StepContext) ([]byte, error) { return make([]byte, size), nil }); err != nil {
				return "", err
			}
		}
		return actorhost.Wait(w, Decided, "decision", 0)
	})
}

// TestSignalsThatNobodyWaitsForAreFew has more of them than a workflow keeps, by number and by size.
func TestSignalsThatNobodyWaitsForAreFew(t *testing.T) {
	for name, test := range map[string]struct{ size, most int }{"many": {1, 1000}, "large": {30 << 10, 4}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := hosttest.Start(t, trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) { return "", w.Sleep("rest", time.Hour) }))
				trip := troupe.GetOrCreate[Trip](b.Client, "a")
				require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{}))
				signal := strings.Repeat("x", test.size)
				for range test.most {
					require.NoError(t, Decided.Send(t.Context(), trip, signal))
				}
				require.ErrorContains(t, b.NewClient(client.Config{Timeout: time.Second}).Invoke(t.Context(), troupe.Invocation{ID: trip.ID(), Action: "decided", In: signal}),
					"signals wait for the workflow")
				run, err := BookTrip.Show(t.Context(), trip)
				require.NoError(t, err)
				require.Len(t, run.Signals, test.most)
			})
		})
	}
}

// TestStepThatGivesTooMuchFails for good, and the workflow with it.
func TestStepThatGivesTooMuchFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t, untilDecided(1, 256<<10))
		_, err := BookTrip.Run(t.Context(), troupe.GetOrCreate[Trip](b.Client, "a"), tripWish{})
		require.ErrorIs(t, err, troupe.ErrTooLarge)
	})
}

// TestWorkflowIsForgotten a week after its end, and can be started anew then.
func TestWorkflowIsForgotten(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, untilDecided(0, 0))
	trip := troupe.GetOrCreate[Trip](b.Client, "a")
	require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{"Rome", 1}))
	require.NoError(t, Decided.Send(t.Context(), trip, "yes"))
	_, err := BookTrip.Result(t.Context(), trip)
	require.NoError(t, err)
	b.Advance(7*24*time.Hour - time.Minute)
	require.ErrorIs(t, BookTrip.Start(t.Context(), trip, tripWish{"Oslo", 1}), troupe.ErrRequestReused)
	_, err = BookTrip.Result(t.Context(), trip)
	require.NoError(t, err)
	b.Advance(2 * time.Minute)
	_, err = BookTrip.Result(t.Context(), trip)
	require.ErrorIs(t, err, troupe.ErrNotFound)
	require.Zero(t, b.NextDue())
	require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{"Oslo", 1}))
}

// TestDestroyedWorkflowLeavesNothing of the steps that were kept outside of its record.
func TestDestroyedWorkflowLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t, untilDecided(100, 300))
		trip := troupe.GetOrCreate[Trip](b.Client, "a")
		require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{}))
		awaitStatus(t, trip, troupe.WorkflowWaits)
		require.NotEmpty(t, keptSteps(t, b))
		require.NoError(t, b.Client.Invoke(t.Context(), troupe.Invocation{ID: trip.ID(), Action: troupe.DestroyAction}))
		require.Eventually(t, func() bool { return len(keptSteps(t, b)) == 0 }, time.Minute, time.Second)
	})
}

// TestRestartedWorkflowLeavesNothing of the steps that the run before had kept outside of the record.
func TestRestartedWorkflowLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t, trips(func(w *actorhost.Flow[tripState], wish tripWish) (string, error) {
			for range wish.Days {
				if _, err := actorhost.Step(w, "day", func(*actorhost.StepContext) ([]byte, error) { return make([]byte, 300), nil }); err != nil {
					return "", err
				}
			}
			if _, err := actorhost.Wait(w, Decided, "decision", 0); err != nil || wish.Days == 0 {
				return "at home", err
			}
			return "", actorhost.Restart(w, BookTrip, tripWish{})
		}))
		trip := troupe.GetOrCreate[Trip](b.Client, "a")
		require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{Days: 100}))
		require.Eventually(t, func() bool { return len(keptSteps(t, b)) > 0 }, time.Minute, time.Second)
		require.NoError(t, Decided.Send(t.Context(), trip, "again"))
		require.Eventually(t, func() bool { return len(keptSteps(t, b)) == 0 }, time.Minute, time.Second)
		require.NoError(t, Decided.Send(t.Context(), trip, "home"))
		out, err := BookTrip.Result(t.Context(), trip)
		require.NoError(t, err)
		require.Equal(t, "at home", out)
	})
}

// TestWorkflowWithTooManyUpdates is stuck before there are more than a record may name. It is canceled, undone, and its actor goes on.
func TestWorkflowWithTooManyUpdates(t *testing.T) {
	takesLong(t)
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t)
		book := trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) {
			w.Undo("undone", func(*actorhost.StepContext) error { return nil })
			for {
				if err := w.Update("day", func(s *tripState, _ *actorhost.Context) error { s.Notes = []string{"so far"}; return nil }); err != nil {
					return "", err
				}
			}
		})
		first := b.Host(book)
		trip := troupe.GetOrCreate[Trip](b.Client, "a")
		require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{}))
		require.Contains(t, awaitStatus(t, trip, troupe.WorkflowStuck).Reason, "it has 10000 steps")
		b.Stop(first)
		b.Host(book)
		require.NoError(t, BookTrip.Cancel(t.Context(), trip, "too long"))
		_, err := BookTrip.Result(t.Context(), trip)
		require.ErrorIs(t, err, troupe.ErrCanceled)
		notes, err := Notes.Call(t.Context(), trip, nil)
		require.NoError(t, err)
		require.Equal(t, []string{"so far"}, notes)
	})
}

// TestWorkflowOfAnActorWithManySchedules waits, though the actor has as many schedules as it may have, and can move them.
func TestWorkflowOfAnActorWithManySchedules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plan := troupe.NewAction[Trip, troupe.None, troupe.None]("plan")
		trips := actorhost.Define(func() tripState { return tripState{} },
			actorhost.OnWorkflow(BookTrip, func(w *actorhost.Flow[tripState], _ tripWish) (string, error) {
				return "", w.Sleep("rest", time.Minute)
			}),
			actorhost.On(Notes, actorhost.NoIn(func(s *tripState, _ *actorhost.Context) ([]string, error) { return s.Notes, nil })),
			actorhost.On(plan, actorhost.NoOut(func(_ *tripState, c *actorhost.Context, _ troupe.None) error {
				for i := range troupe.MaxSchedules {
					if _, err := Notes.After(c, time.Hour, nil, troupe.Named(fmt.Sprint("s", i))); err != nil {
						return err
					}
				}
				return nil
			})))
		b := hosttest.Start(t)
		first := b.Host(trips)
		trip := troupe.GetOrCreate[Trip](b.Client, "a")
		_, err := plan.Call(t.Context(), trip, nil)
		require.NoError(t, err)
		require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{}))
		awaitStatus(t, trip, troupe.WorkflowWaits)
		b.Stop(first)
		b.Host(trips)
		_, err = plan.Call(t.Context(), trip, nil)
		require.NoError(t, err)
		found, err := troupe.SchedulerOf(t.Context(), trip).Unschedule(record.WorkflowTime)
		require.NoError(t, err)
		require.False(t, found, "nobody but the workflow has that")
		_, err = BookTrip.Result(t.Context(), trip)
		require.NoError(t, err)
	})
}
