package client_test

import (
	"context"
	"fmt"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Page struct{ troupe.Ref }

func (Page) ActorType() string { return "page" }

var Print = troupe.NewAction[Page, string, int]("print")

type pageState struct{ Text string }

func (s *pageState) print(_ *actorhost.Context, text string) (int, error) {
	s.Text = text
	return len(text), nil
}

var pages = actorhost.Define(func() pageState { return pageState{} },
	actorhost.On(Print, (*pageState).print))

// A client is safe for concurrent use: a program spreads work over actors by calling many of them at once.
func ExampleClient() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, pages)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	sizes := make([]int, 100)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(20) // calls at a time
	for i := range sizes {
		group.Go(func() (err error) {
			n := strconv.Itoa(i)
			sizes[i], err = Print.Call(ctx, troupe.GetOrCreate[Page](c, n), "page "+n)
			return err
		})
	}
	fmt.Println(group.Wait())
	fmt.Println(sizes[9], sizes[99])
	// Output:
	// <nil>
	// 6 7
}
