package client_test

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Stock struct{ troupe.Ref }

func (Stock) ActorType() string { return "stock" }

var Reserve = troupe.NewAction[Stock, int, int]("reserve")

type stockState struct{ Left int }

func (s *stockState) reserve(_ *actorhost.Context, n int) (int, error) {
	s.Left -= n
	return s.Left, nil
}

var stocks = actorhost.Define(func() stockState { return stockState{Left: 100} },
	actorhost.On(Reserve, (*stockState).reserve))

// A program calls actors that run elsewhere. It needs their contract and the URL of the bus, and no host of its own.
func Example() {
	ctx := context.Background()
	url, stop := startStocks(ctx)
	defer stop()

	nc, err := bus.Connect(ctx, bus.Config{URL: url}) // nats://127.0.0.1:4222, say
	if err != nil {
		panic(err)
	}
	defer nc.Close()
	c, err := client.New(nc, client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	left, err := Reserve.Call(ctx, troupe.GetOrCreate[Stock](c, "main"), 5)
	fmt.Println(left, err)
	// Output: 95 <nil>
}

// startStocks is the other program: a NATS server, and a host.
func startStocks(ctx context.Context) (url string, stop func()) {
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}})
	if err != nil {
		panic(err)
	}
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, stocks)
	if err != nil {
		panic(err)
	}
	return b.URL(), func() {
		_ = host.Stop(ctx)
		_ = b.Close()
	}
}
