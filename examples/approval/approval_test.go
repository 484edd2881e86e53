package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/examples/approval/expense"
	"github.com/troupe-go/troupe/examples/internal/stage/stagetest"
)

func TestMain(m *testing.M) { hosttest.Main(m) }

func TestProgram(t *testing.T) {
	t.Parallel()
	stagetest.RunTwice(t, run)
	stagetest.Take(t, tour, actors...)
}

var chair = expense.Claim{Who: "anna", What: "a chair", Cents: 199_00}

// start starts an approval, and returns once it waits.
func start(t *testing.T, b *hosttest.Bus) expense.Expense {
	t.Helper()
	e := troupe.GetOrCreate[expense.Expense](b.Client, "e1")
	require.NoError(t, expense.Approve.Start(t.Context(), e, chair))
	require.Eventually(t, func() bool {
		run, err := expense.Approve.Show(t.Context(), e)
		return err == nil && len(run.Waits) == 1
	}, 30*time.Second, time.Millisecond)
	return e
}

// Three days pass in some milliseconds.
func TestNobodyDecides(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, actors...)
	e := start(t, b)
	b.Advance(71 * time.Hour)
	run, err := expense.Approve.Show(t.Context(), e)
	require.NoError(t, err)
	require.Equal(t, troupe.WorkflowWaits, run.Status)
	b.Advance(time.Hour + time.Minute)
	outcome, err := expense.Approve.Result(t.Context(), e)
	require.NoError(t, err)
	require.Equal(t, "nobody has decided: it is paid", outcome)
	require.ErrorIs(t, expense.Decided.Send(t.Context(), e, expense.Decision{OK: true}), troupe.ErrNotFound, "too late")
}

// The decision comes on the third day, after a change of hosts.
func TestSomebodyDecides(t *testing.T) {
	t.Parallel()
	for _, ok := range []bool{true, false} {
		b := hosttest.Start(t)
		first := b.Host(actors...)
		e := start(t, b)
		b.Advance(48 * time.Hour)
		b.Kill(first)
		b.Host(actors...)
		require.NoError(t, expense.Decided.Send(t.Context(), e, expense.Decision{By: "eva", OK: ok}))
		outcome, err := expense.Approve.Result(t.Context(), e)
		if ok {
			require.NoError(t, err)
			require.Equal(t, "approved by eva", outcome)
		} else {
			require.ErrorIs(t, err, expense.ErrRefused)
		}
	}
}
