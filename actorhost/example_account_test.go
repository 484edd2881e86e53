package actorhost_test

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

// The contract of a bank account, which callers and hosts share.
type Account struct{ troupe.Ref }

func (Account) ActorType() string { return "account" }

var (
	Deposit  = troupe.NewAction[Account, int, int]("deposit")
	Transfer = troupe.NewAction[Account, Order, int]("transfer")
)

type Order struct {
	To     string `json:"to"`
	Amount int    `json:"amount"`
}

var ErrTooLittle = troupe.NewError("too_little", "the balance is too small")

// The implementation. Exported fields are stored before a call is answered.
type accountState struct {
	Balance int `json:"balance"`
}

func (s *accountState) deposit(_ *actorhost.Context, amount int) (int, error) {
	s.Balance += amount
	return s.Balance, nil
}

// transfer has its turn: nothing else runs in this account meanwhile. An error leaves the balance as it was.
func (s *accountState) transfer(c *actorhost.Context, o Order) (int, error) {
	if s.Balance -= o.Amount; s.Balance < 0 {
		return 0, ErrTooLittle
	}
	_, err := Deposit.Call(c, troupe.GetOrCreate[Account](c, o.To), o.Amount)
	return s.Balance, err
}

// The compiler checks that each method fits its action.
var account = actorhost.Define(func() accountState { return accountState{Balance: 10} },
	actorhost.On(Deposit, (*accountState).deposit),
	actorhost.On(Transfer, (*accountState).transfer))

// Actors are plain structs: exported fields are the state, methods the actions.
func Example() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, account)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	anna, ben := troupe.GetOrCreate[Account](c, "anna"), troupe.GetOrCreate[Account](c, "ben")
	fmt.Println(Transfer.Call(ctx, anna, Order{To: "ben", Amount: 8}))
	fmt.Println(Transfer.Call(ctx, anna, Order{To: "ben", Amount: 8}))
	fmt.Println(Deposit.Call(ctx, anna, 0))
	fmt.Println(Deposit.Call(ctx, ben, 0))
	// Output:
	// 2 <nil>
	// 0 too_little: the balance is too small
	// 2 <nil>
	// 18 <nil>
}
