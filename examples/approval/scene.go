package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/examples/approval/expense"
	"github.com/troupe-go/troupe/examples/internal/stage"
)

var tour = stage.Tour{
	Calls: []stage.Call{
		{Type: "expense", Key: "e1", Action: "approve", Input: `{"who":"anna","what":"a chair","cents":19900}`},
		{Type: "expense", Key: "e1", Action: "decided", Input: `{"by":"eva","ok":true}`},
	},
	Commands: []string{"workflow show expense e1", "workflow result expense e1 --wait", "workflow ls"},
}

// claims are those of the scene, with what is decided about them. Nobody decides about the last, for which it waits a second.
var claims = []struct {
	claim    expense.Claim
	decision *expense.Decision
}{
	{expense.Claim{Who: "anna", What: "a chair", Cents: 199_00}, &expense.Decision{By: "eva", OK: true}},
	{expense.Claim{Who: "ben", What: "a yacht", Cents: 1_000_000_00}, &expense.Decision{By: "eva"}},
	{expense.Claim{Who: "cleo", What: "a pencil", Cents: 90, Patience: 1}, nil},
}

// scene claims some expenses, and decides about all but one.
func scene(ctx context.Context, s *stage.Stage, c *client.Client) error {
	s.Title("Approval", "An expense waits three days for a decision, and sleeps meanwhile. Here nobody waits longer than a second.")
	day := strings.ToLower(rand.Text()[:5])
	outcomes := make([]string, len(claims))
	failures := make([]error, len(claims))
	var claiming sync.WaitGroup
	for i := range claims {
		claiming.Go(func() {
			run := troupe.GetOrCreate[expense.Expense](c, fmt.Sprintf("%s-%d", day, i+1))
			outcomes[i], failures[i] = claim(ctx, run, i)
		})
	}
	claiming.Wait()
	for i, one := range claims {
		what := fmt.Sprintf("%-5s %-9s", one.claim.Who, one.claim.What)
		switch err := failures[i]; {
		case errors.Is(err, expense.ErrRefused):
			refused, _ := errors.AsType[*troupe.Error](err)
			s.Refused("%s refused by %s", what, refused.Metadata["by"])
		case err != nil:
			return err
		default:
			s.Done("%s %s", what, outcomes[i])
		}
	}
	return nil
}

// claim claims an expense and decides about it.
func claim(ctx context.Context, run expense.Expense, i int) (string, error) {
	one := claims[i]
	if err := expense.Approve.Start(ctx, run, one.claim); err != nil {
		return "", fmt.Errorf("claiming: %w", err)
	}
	if one.decision != nil { // it is kept, should the workflow not wait for it yet
		if err := expense.Decided.Send(ctx, run, *one.decision); err != nil {
			return "", fmt.Errorf("deciding: %w", err)
		}
	}
	return expense.Approve.Result(ctx, run)
}
