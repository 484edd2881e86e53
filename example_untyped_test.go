package troupe_test

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Lamp struct{ troupe.Ref }

func (Lamp) ActorType() string { return "lamp" }

var (
	Dim    = troupe.NewAction[Lamp, int, int]("dim")
	Dimmed = troupe.NewEvent[Lamp, int]("dimmed")
)

type lampState struct{ Percent int }

func (s *lampState) dim(c *actorhost.Context, percent int) (int, error) {
	was := s.Percent
	s.Percent = percent
	return was, Dimmed.Broadcast(c, percent)
}

var lamps = actorhost.Define(func() lampState { return lampState{Percent: 100} },
	actorhost.On(Dim, (*lampState).dim))

// Who does not have the contract calls and subscribes by names.
func ExampleActor() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, lamps)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	lamp := troupe.Actor(c, "lamp", "hall") // for Get: .Existing()
	heard := make(chan int, 1)
	_, err = lamp.Subscribe(ctx, "dimmed", func(_ context.Context, d troupe.Delivery) error {
		var percent int
		if err := d.Decode(&percent); err != nil {
			return err
		}
		heard <- percent
		return nil
	})
	if err != nil {
		panic(err)
	}
	var was int
	err = lamp.Call(ctx, "dim", 40, &was)
	fmt.Println("was", was, err)
	fmt.Println("is", <-heard)
	// Output:
	// was 100 <nil>
	// is 40
}
