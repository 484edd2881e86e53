package actorhost_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// storedTrip is what the record of a trip has of its workflow, and what it needs of a host.
func storedTrip(t *testing.T, b *hosttest.Bus) (w *record.Workflow, needs []string) {
	t.Helper()
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	records, err := store.FindRecords(t.Context(), b.Connect(), ns)
	require.NoError(t, err)
	defer func() { require.NoError(t, records.Close()) }()
	found, err := records.Get(t.Context(), troupe.GetOrCreate[Trip](b.Client, "a").ID())
	require.NoError(t, err)
	parts, err := found.Open()
	require.NoError(t, err)
	return parts.Workflow(), found.Needs
}

// bytesOf are the bytes of steps in a record.
func bytesOf(t *testing.T, steps []record.WorkflowStep) []byte {
	t.Helper()
	data, err := codec.MsgPack.Append(nil, steps)
	require.NoError(t, err)
	return data
}

func untilStatus(t *testing.T, trip Trip, status troupe.WorkflowStatus) (run troupe.WorkflowRun) {
	t.Helper()
	require.Eventually(t, func() bool {
		var err error
		run, err = BookTrip.Show(t.Context(), trip)
		return err == nil && run.Status == status
	}, 60*time.Second, time.Millisecond)
	return run
}

// steps is a function that takes these steps, with the wait "decision" for a signal, and has an undo for each.
func steps(r *ran, names ...string) actorhost.Definition {
	return trips(func(w *actorhost.Flow[tripState], _ tripWish) (string, error) {
		for _, name := range names {
			switch name {
			case "decision", "answer":
				if _, err := actorhost.Wait(w, Decided, name, 0); err != nil {
					return "", err
				}
			case "fail":
				return "", errFullyBooked
			case "panic":
				panic("out of fuel")
			default:
				if _, err := stepOf(r, w, name, nil); err != nil {
					return "", err
				}
				w.Undo("no"+name, func(*actorhost.StepContext) error { r.note("no" + name); return nil })
			}
		}
		return "there", nil
	})
}

// A program that does not fit a run runs nothing of it, and changes nothing of its steps. The one that fits goes on.
func TestProgramThatDoesNotFit(t *testing.T) {
	t.Parallel()
	old := []string{"flight", "car", "decision", "hotel"}
	for name, test := range map[string]struct {
		program []string
		reason  string
	}{
		"a step is renamed":         {[]string{"plane", "car", "decision", "hotel"}, "the step plane was asked for, where flight is remembered"},
		"a later step is renamed":   {[]string{"flight", "bike", "decision", "hotel"}, "the step bike was asked for, where car is remembered"},
		"the first step is removed": {[]string{"car", "decision", "hotel"}, "the step car was asked for, where flight is remembered"},
		"a step is removed":         {[]string{"flight", "decision", "hotel"}, "the step decision was asked for, where car is remembered"},
		"steps are swapped":         {[]string{"car", "flight", "decision", "hotel"}, "the step car was asked for, where flight is remembered"},
		"a step is added before":    {[]string{"flight", "insurance", "car", "decision", "hotel"}, "the step insurance was asked for, where car is"},
		"the wait is renamed":       {[]string{"flight", "car", "answer", "hotel"}, "the step answer was asked for, where decision is remembered"},
		"a step is there twice":     {[]string{"flight", "flight", "car", "decision"}, "the step flight#2 was asked for, where car is remembered"},
		"it ends early":             {[]string{"flight"}, "it has ended, where the step car is remembered"},
		"it fails early":            {[]string{"flight", "fail"}, "it has ended, where the step car is remembered"},
		"it panics":                 {[]string{"flight", "car", "panic"}, "its function has not returned: panic"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var before, changed, after ran
			b := hosttest.Start(t)
			first := b.Host(steps(&before, old...))
			trip := troupe.GetOrCreate[Trip](b.Client, "a")
			require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{}))
			untilStatus(t, trip, troupe.WorkflowWaits)
			b.Stop(first)
			stored, needs := storedTrip(t, b)
			kept := bytesOf(t, stored.Steps())
			require.Len(t, stored.Steps(), 2)
			require.Contains(t, needs, "workflows", "hosts without them leave it alone")

			second := b.Host(steps(&changed, test.program...))
			require.NoError(t, Decided.Send(t.Context(), trip, "yes"))
			run := untilStatus(t, trip, troupe.WorkflowStuck)
			require.Contains(t, run.Reason, test.reason)
			require.NotZero(t, run.Retry)
			b.Advance(30 * time.Second) // it is tried again
			require.Eventually(t, func() bool { return untilStatus(t, trip, troupe.WorkflowStuck).Tries > 1 }, 60*time.Second, time.Millisecond)
			_, err := BookTrip.Result(shortly(t), trip)
			require.ErrorIs(t, err, troupe.ErrUnfinished)
			b.Stop(second)
			require.Empty(t, changed.all(), "nothing has run, and nothing was undone")
			stored, needs = storedTrip(t, b)
			require.Equal(t, kept, bytesOf(t, stored.Steps()[:2]), "byte for byte")
			require.Len(t, stored.Steps(), 3, "with the wait that is over")
			require.Contains(t, needs, "workflows")

			b.Host(steps(&after, old...))
			require.NoError(t, b.Client.Actor("trip", "a").Call(t.Context(), troupe.RetryWorkflowAction, nil, nil))
			out, err := BookTrip.Result(t.Context(), trip)
			require.NoError(t, err)
			require.Equal(t, "there", out)
			require.Equal(t, []string{"flight", "car"}, before.all())
			require.Equal(t, []string{"hotel"}, after.all())
		})
	}
}

// shortly is a context that is done soon.
func shortly(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), 200*time.Millisecond, errors.New("that is enough"))
	t.Cleanup(cancel)
	return ctx
}

// A program without the workflow leaves it to others. When a host has it again, it goes on by itself.
func TestProgramWithoutTheWorkflow(t *testing.T) {
	t.Parallel()
	var r ran
	b := hosttest.Start(t)
	first := b.Host(steps(&r, "flight", "decision", "hotel"))
	trip := troupe.GetOrCreate[Trip](b.Client, "a")
	require.NoError(t, BookTrip.Start(t.Context(), trip, tripWish{}))
	untilStatus(t, trip, troupe.WorkflowWaits)
	require.NoError(t, Decided.Send(t.Context(), trip, "yes"))
	_, err := BookTrip.Result(t.Context(), trip)
	require.NoError(t, err)
	b.Stop(first)
	bare := actorhost.Define(func() tripState { return tripState{} },
		actorhost.On(Notes, actorhost.NoIn(func(s *tripState, _ *actorhost.Context) ([]string, error) { return s.Notes, nil })))
	b.Host(bare)
	out, err := BookTrip.Result(t.Context(), trip)
	require.NoError(t, err, "what it has given is remembered, whoever is asked")
	require.Equal(t, "there", out)
	_, needs := storedTrip(t, b)
	require.Contains(t, needs, "workflows")
	b.Advance(8 * 24 * time.Hour)
	_, err = BookTrip.Show(t.Context(), trip)
	require.ErrorIs(t, err, troupe.ErrNotFound)
	_, needs = storedTrip(t, b)
	require.NotContains(t, needs, "workflows", "it is forgotten")
}
