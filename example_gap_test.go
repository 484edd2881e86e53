package troupe_test

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Ticker struct{ troupe.Ref }

func (Ticker) ActorType() string { return "ticker" }

var (
	Tick   = troupe.NewAction[Ticker, troupe.None, troupe.None]("tick")
	Ticked = troupe.NewEvent[Ticker, int]("ticked")
)

type tickerState struct{ Ticks int }

func (s *tickerState) tick(c *actorhost.Context) error {
	s.Ticks++
	return Ticked.Broadcast(c, s.Ticks)
}

var tickers = actorhost.Define(func() tickerState { return tickerState{} },
	actorhost.On(Tick, actorhost.NoInNoOut((*tickerState).tick)))

// A subscription that is too slow, or whose connection was away, is told what it has missed. It slows nobody else.
func ExampleOnGap() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, tickers)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{EventQueue: 2}) // so few events may wait here, for once
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	ticker := troupe.GetOrCreate[Ticker](c)
	told, busy := make(chan string, 10), make(chan struct{})
	_, err = Ticked.Subscribe(ctx, ticker, func(_ context.Context, n int) error {
		<-busy
		told <- fmt.Sprint("heard ", n)
		return nil
	}, troupe.OnGap(func(_ context.Context, gap troupe.Gap) error {
		told <- fmt.Sprint("missed ", gap)
		return nil
	}))
	if err != nil {
		panic(err)
	}
	quick := make(chan int)
	_, err = Ticked.Subscribe(ctx, ticker, func(_ context.Context, n int) error {
		quick <- n
		return nil
	})
	if err != nil {
		panic(err)
	}

	for range 5 {
		if _, err := Tick.Call(ctx, ticker, nil); err != nil {
			panic(err)
		}
		<-quick
	}
	close(busy)
	for range 3 {
		fmt.Println(<-told)
	}
	// Output:
	// heard 1
	// heard 2
	// missed 3 of ticked of ticker, after 2
}
