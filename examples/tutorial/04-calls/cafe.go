package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/client"
)

type (
	// Tab is what a guest has to pay.
	Tab struct{ troupe.Ref }
	// Kitchen has cakes, and there is one kitchen.
	Kitchen struct{ troupe.Ref }
)

func (Tab) ActorType() string     { return "tab" }
func (Kitchen) ActorType() string { return "kitchen" }

var (
	// Order orders so many cakes and gives what the guest owes.
	Order = troupe.NewAction[Tab, int, int]("order")
	// Serve takes so many cakes out of the kitchen and gives how many are left.
	Serve = troupe.NewAction[Kitchen, int, int]("serve")

	// ErrSoldOut says that the kitchen has not enough.
	ErrSoldOut = troupe.NewError("sold_out", "there is not enough cake")
)

const price = 300 // cents

type tabState struct{ Cents int }

// order calls the kitchen. If this host dies after the kitchen has served, the call of the guest is made again on another
// host, and so is the call of the kitchen: as the same call, which the kitchen recognises. It serves once.
func (s *tabState) order(c *actorhost.Context, cakes int) (int, error) {
	if _, err := Serve.Call(c, troupe.GetOrCreate[Kitchen](c, "main"), cakes); err != nil {
		return 0, err
	}
	s.Cents += cakes * price
	return s.Cents, nil
}

type kitchenState struct{ Cakes int }

func (s *kitchenState) serve(_ *actorhost.Context, cakes int) (int, error) {
	if cakes > s.Cakes {
		return 0, ErrSoldOut.With("left", s.Cakes)
	}
	s.Cakes -= cakes
	return s.Cakes, nil
}

var actors = []actorhost.Definition{
	actorhost.Define(func() tabState { return tabState{} }, actorhost.On(Order, (*tabState).order)),
	actorhost.Define(func() kitchenState { return kitchenState{Cakes: 5} }, actorhost.On(Serve, (*kitchenState).serve)),
}

func visit(ctx context.Context, c *client.Client) error {
	for _, guest := range []string{"anna", "ben", "cleo"} {
		sum, err := Order.Call(ctx, troupe.GetOrCreate[Tab](c, guest), 2)
		switch {
		case errors.Is(err, ErrSoldOut):
			fmt.Println(guest, "gets no cake")
		case err != nil:
			return err
		default:
			fmt.Println(guest, "owes", sum)
		}
	}
	return nil
}
