package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/examples/internal/stage/stagetest"
	"github.com/troupe-go/troupe/examples/workflow/flow"
)

func TestMain(m *testing.M) { hosttest.Main(m) }

func TestProgram(t *testing.T) {
	t.Parallel()
	stagetest.RunTwice(t, run)
	stagetest.Take(t, tour, actors...)
}

func TestWorkflowPassesEachAnswerOn(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, actors...)
	workflow := troupe.GetOrCreate[flow.Workflow](b.Client, "main")
	began := time.Now().Add(-time.Second)

	good, err := flow.ExecuteWorkflow.Call(t.Context(), workflow, flow.Job{WorkflowID: "w1", Readings: " 10 20\t-6 "})
	require.NoError(t, err)
	require.Equal(t, flow.Result{Finalized: true, Mean: 8}, good)
	bad, err := flow.ExecuteWorkflow.Call(t.Context(), workflow, flow.Job{WorkflowID: "w2", Readings: "10 999 NaN"})
	require.NoError(t, err)
	require.False(t, bad.Finalized)
	require.Len(t, bad.Problems, 2)
	empty, err := flow.ExecuteWorkflow.Call(t.Context(), workflow, flow.Job{WorkflowID: "w3"})
	require.NoError(t, err)
	require.False(t, empty.Finalized)
	require.Len(t, empty.Problems, 1)

	completed, err := flow.ListWorkflows.Call(t.Context(), workflow, nil)
	require.NoError(t, err)
	require.Len(t, completed, 3)
	for i, want := range []struct {
		id     string
		result flow.Result
	}{{"w1", good}, {"w2", bad}, {"w3", empty}} {
		require.Equal(t, want.id, completed[i].WorkflowID)
		require.Equal(t, want.result, completed[i].Result)
		require.WithinRange(t, completed[i].CompletedAt, began, time.Now().Add(time.Second))
	}
}

func TestFailingStepEndsTheWorkflow(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, actors...)
	workflow := troupe.GetOrCreate[flow.Workflow](b.Client, "main")
	_, err := flow.ExecuteWorkflow.Call(t.Context(), workflow, flow.Job{WorkflowID: "w1", Readings: "10 zwölf"})
	require.ErrorIs(t, err, flow.ErrUnreadable)
	var refused *troupe.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "zwölf", refused.Metadata["word"])

	completed, err := flow.ListWorkflows.Call(t.Context(), workflow, nil)
	require.NoError(t, err)
	require.Empty(t, completed)
}

func TestStateOutlivesTheHost(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	workflow := troupe.GetOrCreate[flow.Workflow](b.Client, "main")
	first := b.Host(actors...)
	_, err := flow.ExecuteWorkflow.Call(t.Context(), workflow, flow.Job{WorkflowID: "w1", Readings: "10"})
	require.NoError(t, err)
	b.Stop(first)
	b.Host(actors...)
	completed, err := flow.ListWorkflows.Call(t.Context(), workflow, nil)
	require.NoError(t, err)
	require.Len(t, completed, 1)
}
