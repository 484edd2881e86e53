package client_test

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Score struct{ troupe.Ref }

func (Score) ActorType() string { return "score" }

var Gain = troupe.NewAction[Score, int, int]("gain")

type scoreState struct{ Points int }

func (s *scoreState) gain(_ *actorhost.Context, points int) (int, error) {
	s.Points += points
	return s.Points, nil
}

var scores = actorhost.Define(func() scoreState { return scoreState{} },
	actorhost.On(Gain, (*scoreState).gain))

// Systems with different namespaces share a bus and nothing else: an actor of one is not that of another.
func ExampleConfig_namespace() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	for _, namespace := range []string{"production", "staging"} {
		host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{Namespace: namespace}, scores)
		if err != nil {
			panic(err)
		}
		defer func() { _ = host.Stop(ctx) }()
		c, err := client.New(b.Conn(), client.Config{Namespace: namespace})
		if err != nil {
			panic(err)
		}
		defer c.Close(ctx)

		anna := troupe.GetOrCreate[Score](c, "anna")
		points, err := Gain.Call(ctx, anna, 10)
		fmt.Println(namespace, points, err)
	}
	// Output:
	// production 10 <nil>
	// staging 10 <nil>
}
