package troupe_test

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Oven struct{ troupe.Ref }

func (Oven) ActorType() string { return "oven" }

var (
	Bake  = troupe.NewAction[Oven, string, troupe.None]("bake")
	Baked = troupe.NewEvent[Oven, string]("baked")
)

type ovenState struct{}

func (*ovenState) bake(c *actorhost.Context, what string) error { return Baked.Broadcast(c, what) }

var ovens = actorhost.Define(func() ovenState { return ovenState{} },
	actorhost.On(Bake, actorhost.NoOut((*ovenState).bake)))

// A subscription can end by itself with its first event.
func ExampleOnce() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, ovens)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	oven := troupe.GetOrCreate[Oven](c)
	all, once := make(chan string, 2), make(chan string, 2)
	_, err = Baked.Subscribe(ctx, oven, func(_ context.Context, what string) error {
		all <- what
		return nil
	})
	if err != nil {
		panic(err)
	}
	_, err = Baked.Subscribe(ctx, oven, func(_ context.Context, what string) error {
		once <- what
		return nil
	}, troupe.Once())
	if err != nil {
		panic(err)
	}
	for _, what := range []string{"bread", "cake"} {
		if _, err := Bake.Call(ctx, oven, what); err != nil {
			panic(err)
		}
	}
	fmt.Println("all:", <-all, <-all)
	fmt.Println("once:", <-once)
	fmt.Println("more:", len(once))
	// Output:
	// all: bread cake
	// once: bread
	// more: 0
}
