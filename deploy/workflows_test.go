package deploy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
)

// A client starts, signals and sees workflows of its tenant, by the tokens with their names. Others steer them.
func TestClientNeedsTheTokensOfWorkflows(t *testing.T) {
	g := guard(t, users(t))
	_, err := g.start(t)
	require.NoError(t, err)
	org1 := g.client(t, "org1")
	lobby, foreign := troupe.GetOrCreate[room](org1, "org1", "lobby"), troupe.GetOrCreate[room](org1, "org2", "lobby")
	require.NoError(t, invite.Start(t.Context(), lobby, "ann"))
	require.ErrorIs(t, invite.Start(t.Context(), foreign, "ann"), troupe.ErrDenied)
	require.ErrorIs(t, invite.Cancel(t.Context(), lobby, "she is ill"), troupe.ErrDenied)
	require.ErrorIs(t, troupe.Actor(org1, "room", "org1", "lobby").Call(t.Context(), troupe.RetryWorkflowAction, nil, nil), troupe.ErrDenied)
	require.ErrorIs(t, accepted.Send(t.Context(), foreign, true), troupe.ErrDenied)
	require.NoError(t, accepted.Send(t.Context(), lobby, true))
	said, err := invite.Result(t.Context(), lobby)
	require.NoError(t, err)
	require.Equal(t, 1, said, "the host may do all that a workflow needs")
	run, err := invite.Show(t.Context(), lobby)
	require.NoError(t, err)
	require.Equal(t, troupe.WorkflowSucceeded, run.Status)
}
