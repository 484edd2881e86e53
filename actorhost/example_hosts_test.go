package actorhost_test

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Ship struct{ troupe.Ref }

func (Ship) ActorType() string { return "ship" }

var Sail = troupe.NewAction[Ship, int, int]("sail")

type shipState struct{ Miles int }

func (s *shipState) sail(_ *actorhost.Context, miles int) (int, error) {
	s.Miles += miles
	return s.Miles, nil
}

var ships = actorhost.Define(func() shipState { return shipState{} },
	actorhost.On(Sail, (*shipState).sail))

// Hosts share the actors, each of which is awake on one of them. When that stops, the next call wakes it elsewhere.
func ExampleHost_Stop() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)
	ship := troupe.GetOrCreate[Ship](c, "santa maria")

	first, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, ships)
	if err != nil {
		panic(err)
	}
	fmt.Println(Sail.Call(ctx, ship, 100))
	fmt.Println("awake on the first host:", first.Active())

	second, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, ships) // in another program, usually
	if err != nil {
		panic(err)
	}
	defer func() { _ = second.Stop(ctx) }()
	fmt.Println(first.Stop(ctx))
	fmt.Println(Sail.Call(ctx, ship, 50))
	fmt.Println("awake on the second host:", second.Active())
	// Output:
	// 100 <nil>
	// awake on the first host: 1
	// <nil>
	// 150 <nil>
	// awake on the second host: 1
}
