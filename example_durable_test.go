package troupe_test

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type (
	Till   struct{ troupe.Ref }
	Ledger struct{ troupe.Ref }
)

func (Till) ActorType() string   { return "till" }
func (Ledger) ActorType() string { return "ledger" }

var (
	Sell   = troupe.NewAction[Till, int, troupe.None]("sell")
	Sold   = troupe.NewDurableEvent[Till, int]("sold")
	Follow = troupe.NewAction[Ledger, string, troupe.None]("follow")
	Booked = troupe.NewEvent[Ledger, int]("booked")
)

type tillState struct{}

func (*tillState) sell(c *actorhost.Context, price int) error { return Sold.Broadcast(c, price) }

type ledgerState struct{ Sum int }

// follow subscribes for good: until UnsubscribeDurable, whatever hosts and servers do meanwhile.
func (*ledgerState) follow(c *actorhost.Context, till string) error {
	return Sold.SubscribeDurable(c, troupe.GetOrCreate[Till](c, till))
}

// sold has each event once, in order. A ledger that sleeps is woken for it.
func (s *ledgerState) sold(c *actorhost.Context, price int) error {
	s.Sum += price
	return Booked.Broadcast(c, s.Sum)
}

var tills = []actorhost.Definition{
	actorhost.Define(func() tillState { return tillState{} },
		actorhost.On(Sell, actorhost.NoOut((*tillState).sell))),
	actorhost.Define(func() ledgerState { return ledgerState{} },
		actorhost.On(Follow, actorhost.NoOut((*ledgerState).follow))).
		OnEvents(actorhost.OnEvent(Sold, (*ledgerState).sold)),
}

// An actor can subscribe to the durable events of others for good. It misses none, also while it sleeps.
func ExampleDurableEvent_SubscribeDurable() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, tills...)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	till, ledger := troupe.GetOrCreate[Till](c, "front"), troupe.GetOrCreate[Ledger](c)
	if _, err := Follow.Call(ctx, ledger, "front"); err != nil {
		panic(err)
	}
	if err := c.Actor("ledger").Call(ctx, troupe.SleepAction, nil, nil); err != nil { // as if it had been idle for long
		panic(err)
	}
	sums := make(chan int, 2)
	_, err = Booked.Subscribe(ctx, ledger, func(_ context.Context, sum int) error {
		sums <- sum
		return nil
	})
	if err != nil {
		panic(err)
	}
	for _, price := range []int{3, 4} {
		if _, err := Sell.Call(ctx, till, price); err != nil {
			panic(err)
		}
	}
	fmt.Println(<-sums, <-sums)
	// Output: 3 7
}
