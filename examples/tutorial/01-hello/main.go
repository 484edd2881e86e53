// Command 01-hello is the first step of docs/tutorial.md: one actor, in one process.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

// Greeter is a reference to an actor of the type greeter.
type Greeter struct{ troupe.Ref }

func (Greeter) ActorType() string { return "greeter" }

// Greet takes a name and gives a greeting.
var Greet = troupe.NewAction[Greeter, string, string]("greet")

type greeterState struct{ Greeted int }

func (s *greeterState) greet(_ *actorhost.Context, name string) (string, error) {
	s.Greeted++
	return fmt.Sprintf("Hello, %s. You are number %d.", name, s.Greeted), nil
}

var greeters = actorhost.Define(func() greeterState { return greeterState{} },
	actorhost.On(Greet, (*greeterState).greet))

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		return err
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, greeters) // runs the actors
	if err != nil {
		return err
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{}) // calls them
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(ctx) }()

	door := troupe.GetOrCreate[Greeter](c, "door")
	for _, name := range []string{"Anna", "Ben"} {
		greeting, err := Greet.Call(ctx, door, name)
		if err != nil {
			return err
		}
		fmt.Println(greeting)
	}
	return nil
}
