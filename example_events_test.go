package troupe_test

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Thermometer struct{ troupe.Ref }

func (Thermometer) ActorType() string { return "thermometer" }

var (
	Measure  = troupe.NewAction[Thermometer, int, troupe.None]("measure")
	Measured = troupe.NewEvent[Thermometer, int]("measured")
)

type thermometerState struct{}

// measure broadcasts to whoever listens. The event leaves once the action has succeeded and its state is stored.
func (*thermometerState) measure(c *actorhost.Context, degrees int) error {
	return Measured.Broadcast(c, degrees)
}

var thermometers = actorhost.Define(func() thermometerState { return thermometerState{} },
	actorhost.On(Measure, actorhost.NoOut((*thermometerState).measure)))

// A program hears an actor's events, each once and in order, from the moment that Subscribe has returned.
func ExampleEvent() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, thermometers)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	kitchen := troupe.GetOrCreate[Thermometer](c, "kitchen")
	heard := make(chan int, 3)
	sub, err := Measured.Subscribe(ctx, kitchen, func(_ context.Context, degrees int) error {
		heard <- degrees
		return nil
	})
	if err != nil {
		panic(err)
	}
	for _, degrees := range []int{19, 20, 21} {
		if _, err := Measure.Call(ctx, kitchen, degrees); err != nil {
			panic(err)
		}
	}
	fmt.Println(<-heard, <-heard, <-heard)
	fmt.Println(sub.Unsubscribe())
	// Output:
	// 19 20 21
	// <nil>
}
