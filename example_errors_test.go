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

type Account struct{ troupe.Ref }

func (Account) ActorType() string { return "account" }

var (
	Deposit  = troupe.NewAction[Account, int, int]("deposit")
	Withdraw = troupe.NewAction[Account, int, int]("withdraw")

	ErrTooLittle = troupe.NewError("too_little", "the balance is too small") // part of the contract
)

type accountState struct{ Balance int }

func (s *accountState) deposit(_ *actorhost.Context, amount int) (int, error) {
	s.Balance += amount
	return s.Balance, nil
}

func (s *accountState) withdraw(_ *actorhost.Context, amount int) (int, error) {
	before := s.Balance
	s.Balance -= amount // an error undoes it
	if s.Balance < 0 {
		return 0, ErrTooLittle.With("balance", before).With("amount", amount)
	}
	return s.Balance, nil
}

var accounts = actorhost.Define(func() accountState { return accountState{} },
	actorhost.On(Deposit, (*accountState).deposit),
	actorhost.On(Withdraw, (*accountState).withdraw))

// A user error reaches the caller whole, with its code, message and metadata. The state is as it was before the action.
func ExampleNewError() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, accounts)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	anna := troupe.GetOrCreate[Account](c, "anna")
	if _, err := Deposit.Call(ctx, anna, 50); err != nil {
		panic(err)
	}
	_, err = Withdraw.Call(ctx, anna, 80)
	fmt.Println(errors.Is(err, ErrTooLittle))
	if refused, ok := errors.AsType[*troupe.Error](err); ok {
		fmt.Println(refused.Code, "-", refused.Message, "-", refused.Metadata["balance"], refused.Metadata["amount"])
	}
	balance, err := Withdraw.Call(ctx, anna, 50)
	fmt.Println(balance, err)
	// Output:
	// true
	// too_little - the balance is too small - 50 80
	// 0 <nil>
}
