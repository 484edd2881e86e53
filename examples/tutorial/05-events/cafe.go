package main

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/client"
)

// Kitchen bakes.
type Kitchen struct{ troupe.Ref }

func (Kitchen) ActorType() string { return "kitchen" }

var (
	// Bake bakes a cake.
	Bake = troupe.NewAction[Kitchen, string, troupe.None]("bake")
	// Baked says which cake is ready. It is kept in the kitchen's log, too: who comes later can read it there.
	Baked = troupe.NewDurableEvent[Kitchen, string]("baked")
)

type kitchenState struct{ Cakes []string }

func (s *kitchenState) bake(c *actorhost.Context, cake string) error {
	s.Cakes = append(s.Cakes, cake)
	return Baked.Broadcast(c, cake) // leaves when the new state is stored, and not if it cannot be
}

var actors = []actorhost.Definition{
	actorhost.Define(func() kitchenState { return kitchenState{} }, actorhost.On(Bake, actorhost.NoOut((*kitchenState).bake))).
		Broadcasts(Baked),
}

func visit(ctx context.Context, c *client.Client) error {
	kitchen := troupe.GetOrCreate[Kitchen](c, "main")
	ready := make(chan string)
	sub, err := Baked.Subscribe(ctx, kitchen, func(ctx context.Context, cake string) error {
		select {
		case ready <- cake:
		case <-ctx.Done():
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, cake := range []string{"apple cake", "cheesecake"} {
		if _, err := Bake.Call(ctx, kitchen, cake); err != nil {
			return err
		}
		fmt.Println("ready:", <-ready)
	}
	return sub.Unsubscribe()
}
