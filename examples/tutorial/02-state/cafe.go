package main

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/client"
)

// Tab is what a guest has to pay. Each guest has one: the key is the guest's name.
type Tab struct{ troupe.Ref }

func (Tab) ActorType() string { return "tab" }

// Add puts so many cents on the tab and gives the sum.
var Add = troupe.NewAction[Tab, int, int]("add")

// tabState is stored after each action that changes it, before the caller has the answer.
type tabState struct{ Cents int }

func (s *tabState) add(_ *actorhost.Context, cents int) (int, error) {
	s.Cents += cents
	return s.Cents, nil
}

var actors = []actorhost.Definition{
	actorhost.Define(func() tabState { return tabState{} }, actorhost.On(Add, (*tabState).add)),
}

// visit is one evening in the café.
func visit(ctx context.Context, c *client.Client) error {
	for _, guest := range []string{"anna", "ben", "anna"} {
		sum, err := Add.Call(ctx, troupe.GetOrCreate[Tab](c, guest), 250)
		if err != nil {
			return err
		}
		fmt.Println(guest, "owes", sum)
	}
	return nil
}
