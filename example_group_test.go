package troupe_test

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Room struct{ troupe.Ref } // its key is a building and a name

func (Room) ActorType() string { return "room" }

var (
	Enter   = troupe.NewAction[Room, string, troupe.None]("enter")
	Entered = troupe.NewEvent[Room, string]("entered")
)

type roomState struct{}

func (*roomState) enter(c *actorhost.Context, who string) error { return Entered.Broadcast(c, who) }

var rooms = actorhost.Define(func() roomState { return roomState{} },
	actorhost.On(Enter, actorhost.NoOut((*roomState).enter)))

// One subscription hears all actors of a type, or those whose keys begin alike.
func ExampleAll() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, rooms)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	heard := make(chan string, 2)
	castle := troupe.All[Room](c, "castle").Exactly(1) // castle/*; troupe.All[Room](c) is every room
	_, err = Entered.SubscribeAll(ctx, castle, func(ctx context.Context, who string) error {
		d, _ := troupe.DeliveryOf(ctx) // tells which actor it was, and the place of the event among its events
		heard <- fmt.Sprintf("%s entered %s, event %d", who, d.Actor, d.Position.Sequence)
		return nil
	})
	if err != nil {
		panic(err)
	}
	for _, key := range [][]string{{"castle", "hall"}, {"barn", "attic"}, {"castle", "tower"}} {
		if _, err := Enter.Call(ctx, troupe.GetOrCreate[Room](c, key...), "Anna"); err != nil {
			panic(err)
		}
	}
	fmt.Println(<-heard)
	fmt.Println(<-heard)
	// Output:
	// Anna entered room/castle/hall, event 1
	// Anna entered room/castle/tower, event 1
}
