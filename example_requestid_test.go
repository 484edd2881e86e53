package troupe_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type (
	Wallet   struct{ troupe.Ref }
	Checkout struct{ troupe.Ref }
)

func (Wallet) ActorType() string   { return "wallet" }
func (Checkout) ActorType() string { return "checkout" }

var (
	Spend = troupe.NewAction[Wallet, int, int]("spend")
	Buy   = troupe.NewAction[Checkout, int, int]("buy")
)

type walletState struct{ Left int }

func (s *walletState) spend(_ *actorhost.Context, amount int) (int, error) {
	s.Left -= amount
	return s.Left, nil
}

type checkoutState struct{}

// buy runs again when its host has died, or its call comes again. Its own call is then the same, and the wallet pays once.
func (*checkoutState) buy(c *actorhost.Context, price int) (int, error) {
	return Spend.Call(c, troupe.GetOrCreate[Wallet](c, c.Key()...), price)
}

var checkouts = []actorhost.Definition{
	actorhost.Define(func() walletState { return walletState{Left: 100} },
		actorhost.On(Spend, (*walletState).spend)),
	actorhost.Define(func() checkoutState { return checkoutState{} },
		actorhost.On(Buy, (*checkoutState).buy)),
}

// A call with a request id takes effect once, however often it is made, by whom and after whose restart.
func ExampleWithRequestID() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, checkouts...)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	wallet := troupe.GetOrCreate[Wallet](c, "anna")
	order1 := troupe.WithRequestID(ctx, "order-1")
	for range 3 {
		fmt.Println(Spend.Call(order1, wallet, 30))
	}
	_, err = Spend.Call(order1, wallet, 31)
	fmt.Println("another input:", errors.Is(err, troupe.ErrRequestReused))

	order2 := troupe.WithRequestID(ctx, "order-2")
	for range 2 {
		fmt.Println(Buy.Call(order2, troupe.GetOrCreate[Checkout](c, "anna"), 20))
	}
	// Output:
	// 70 <nil>
	// 70 <nil>
	// 70 <nil>
	// another input: true
	// 50 <nil>
	// 50 <nil>
}
