package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/examples/internal/stage"
	"github.com/troupe-go/troupe/examples/saga/checkout"
)

var tour = stage.Tour{
	Calls: []stage.Call{
		{Type: "checkout", Key: "o1", Action: "place", Input: `{"customer":"anna","pieces":2,"cents":1980,"to":"Oslo","packing":60}`},
		{Type: "warehouse", Key: "main", Action: "count"},
	},
	Commands: []string{
		"workflow show checkout o1", "workflow result checkout o1 --wait", "workflow cancel checkout o1 'it rains'", "workflow ls", "stuck",
	},
}

// The orders of the scene: one is taken, three end at a step each.
var orders = []struct {
	what  string
	order checkout.Order
}{
	{"a hat to Oslo", checkout.Order{Customer: "anna", Pieces: 1, Cents: 49_00, To: "Oslo"}},
	{"2,000 hats to Oslo", checkout.Order{Customer: "anna", Pieces: 2000, Cents: 100_00, To: "Oslo"}},
	{"a golden hat to Oslo", checkout.Order{Customer: "anna", Pieces: 1, Cents: 4900_00, To: "Oslo"}},
	{"a hat to the Moon", checkout.Order{Customer: "ben", Pieces: 1, Cents: 49_00, To: "the Moon"}},
}

// scene takes some orders, and shows the steps of each.
func scene(ctx context.Context, s *stage.Stage, c *client.Client) error {
	s.Title("A saga", "An order goes through two other actors. If a step fails, those before it are undone, whatever dies meanwhile.")
	day := strings.ToLower(rand.Text()[:5])
	for i, one := range orders {
		number := fmt.Sprintf("%s-%d", day, i+1)
		run := troupe.GetOrCreate[checkout.Checkout](c, number)
		receipt, err := checkout.Place.Run(ctx, run, one.order)
		failed, refused := errors.AsType[*troupe.Error](err)
		switch {
		case err == nil:
			s.Done("%-21s %d cents, %s", one.what, receipt.Cents, receipt.Transaction)
		case refused && failed.FromActor:
			s.Refused("%-21s %s", one.what, failed.Message)
		default:
			return fmt.Errorf("the order %s: %w", number, err)
		}
		if err := steps(ctx, s, run); err != nil {
			return err
		}
	}
	stock, err := checkout.Count.Call(ctx, troupe.GetOrCreate[checkout.Warehouse](c, "main"), nil)
	if err != nil {
		return fmt.Errorf("counting: %w", err)
	}
	s.Line("")
	s.Line("The warehouse has shipped %d, and has %d reserved.", stock.Shipped, stock.Reserved)
	if s.Serves() {
		s.Line("Place o1 as below, end this program with kill -9 while it packs, and start it again: it goes on.")
	}
	return nil
}

// steps shows what a workflow has done.
func steps(ctx context.Context, s *stage.Stage, run checkout.Checkout) error {
	shown, err := checkout.Place.Show(ctx, run)
	if err != nil {
		return fmt.Errorf("showing %s: %w", run.ID(), err)
	}
	var names []string
	for _, step := range shown.Steps {
		name := step.Name
		if step.Error != "" {
			name += " ✗"
		}
		names = append(names, name)
	}
	s.Line("  %s", s.Dim(strings.Join(names, " → ")))
	return nil
}
