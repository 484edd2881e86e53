package main

import (
	"errors"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/examples/approval/expense"
)

// patience is how long an expense waits for a decision.
const patience = 72 * time.Hour

// actors are what a host of expenses runs.
var actors = []actorhost.Definition{
	actorhost.Define(func() expenseState { return expenseState{} },
		actorhost.OnWorkflow(expense.Approve, approve),
		actorhost.OnSignal[expense.Expense, expenseState](expense.Decided)).
		Broadcasts(expense.Asked),
}

// expenseState is nothing: all that an expense knows is in its workflow.
type expenseState struct{}

// approve asks, and sleeps until somebody decides: meanwhile it is a record and an alarm, and no host has it in memory.
func approve(w *actorhost.Flow[expenseState], claim expense.Claim) (string, error) {
	err := w.Update("ask", func(_ *expenseState, c *actorhost.Context) error { return expense.Asked.Broadcast(c, claim) })
	if err != nil {
		return "", err
	}
	most := patience
	if claim.Patience > 0 {
		most = time.Duration(claim.Patience) * time.Second
	}
	decision, err := actorhost.Wait(w, expense.Decided, "decision", most)
	switch {
	case errors.Is(err, troupe.ErrTimedOut):
		return "nobody has decided: it is paid", nil
	case err != nil:
		return "", err
	case !decision.OK:
		return "", expense.ErrRefused.With("by", decision.By)
	}
	return "approved by " + decision.By, nil
}
