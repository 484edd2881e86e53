package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/client"
)

// Tab is what a guest has to pay.
type Tab struct{ troupe.Ref }

func (Tab) ActorType() string { return "tab" }

// Add puts so many cents on the tab and gives the sum.
var Add = troupe.NewAction[Tab, int, int]("add")

// ErrTooMuch is part of the contract: callers find it by errors.Is, in any program.
var ErrTooMuch = troupe.NewError("too_much", "the tab is full: pay first")

const limit = 600 // cents

type tabState struct{ Cents int }

func (s *tabState) add(_ *actorhost.Context, cents int) (int, error) {
	s.Cents += cents
	if s.Cents > limit {
		return 0, ErrTooMuch.With("limit", limit) // what was changed above is undone
	}
	return s.Cents, nil
}

var actors = []actorhost.Definition{
	actorhost.Define(func() tabState { return tabState{} }, actorhost.On(Add, (*tabState).add)),
}

func visit(ctx context.Context, c *client.Client) error {
	tab := troupe.GetOrCreate[Tab](c, "anna")
	for _, cents := range []int{500, 250, 100} {
		sum, err := Add.Call(ctx, tab, cents)
		switch refused, ok := errors.AsType[*troupe.Error](err); {
		case errors.Is(err, ErrTooMuch) && ok:
			fmt.Println(cents, "refused:", refused.Message, "limit", refused.Metadata["limit"])
		case err != nil:
			return err
		default:
			fmt.Println(cents, "taken, anna owes", sum)
		}
	}
	return nil
}
