package troupe_test

import (
	"context"
	"fmt"
	"slices"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Basket struct{ troupe.Ref }

func (Basket) ActorType() string { return "basket" }

var (
	Put      = troupe.NewAction[Basket, string, int]("put")
	Take     = troupe.NewAction[Basket, string, troupe.None]("take")       // no output
	Contents = troupe.NewAction[Basket, troupe.None, []string]("contents") // no input
	Empty    = troupe.NewAction[Basket, troupe.None, troupe.None]("empty") // neither
)

type basketState struct{ Items []string }

func (s *basketState) put(_ *actorhost.Context, item string) (int, error) {
	s.Items = append(s.Items, item)
	return len(s.Items), nil
}

func (s *basketState) take(_ *actorhost.Context, item string) error {
	s.Items = slices.DeleteFunc(s.Items, func(one string) bool { return one == item })
	return nil
}

func (s *basketState) contents(*actorhost.Context) ([]string, error) { return s.Items, nil }

func (s *basketState) empty(*actorhost.Context) error {
	s.Items = nil
	return nil
}

var baskets = actorhost.Define(func() basketState { return basketState{} },
	actorhost.On(Put, (*basketState).put),
	actorhost.On(Take, actorhost.NoOut((*basketState).take)),
	actorhost.On(Contents, actorhost.NoIn((*basketState).contents)),
	actorhost.On(Empty, actorhost.NoInNoOut((*basketState).empty)))

// An action needs neither an input nor an output. Its method has only what there is; a call gives and gets nil.
func ExampleNone() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, baskets)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	basket := troupe.GetOrCreate[Basket](c, "anna")
	for _, item := range []string{"tea", "milk", "bread"} {
		n, err := Put.Call(ctx, basket, item)
		fmt.Println(n, err)
	}
	_, err = Take.Call(ctx, basket, "milk")
	fmt.Println(err)
	items, err := Contents.Call(ctx, basket, nil)
	fmt.Println(items, err)
	_, err = Empty.Call(ctx, basket, nil)
	fmt.Println(err)
	// Output:
	// 1 <nil>
	// 2 <nil>
	// 3 <nil>
	// <nil>
	// [tea bread] <nil>
	// <nil>
}
