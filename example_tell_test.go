package troupe_test

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Gauge struct{ troupe.Ref }

func (Gauge) ActorType() string { return "gauge" }

var (
	TakeHeat = troupe.NewAction[Gauge, float64, troupe.None]("takeHeat")
	Warmest  = troupe.NewEvent[Gauge, float64]("warmest")
)

type gaugeState struct{ Most float64 }

func (s *gaugeState) takeHeat(c *actorhost.Context, degrees float64) error {
	if degrees <= s.Most {
		return nil
	}
	s.Most = degrees
	return Warmest.Broadcast(c, degrees)
}

var gauges = actorhost.Define(func() gaugeState { return gaugeState{} }, actorhost.On(TakeHeat, actorhost.NoOut((*gaugeState).takeHeat)))

// What may be lost now and then, such as one of many measurements, is told: nobody waits for an answer.
func ExampleAction_Tell() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, gauges)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	roof := troupe.GetOrCreate[Gauge](c, "roof")
	warm := make(chan float64, 1)
	_, err = Warmest.Subscribe(ctx, roof, func(_ context.Context, degrees float64) error {
		if degrees > 30 {
			warm <- degrees
		}
		return nil
	})
	if err != nil {
		panic(err)
	}
	for _, degrees := range []float64{18.5, 21, 30.5, 29} {
		if err := TakeHeat.Tell(ctx, roof, degrees); err != nil {
			panic(err)
		}
	}
	fmt.Println(<-warm)
	// Output: 30.5
}
