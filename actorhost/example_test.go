package actorhost_test

import (
	"context"
	"errors"
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
	OpenAccount = troupe.NewConstructor[Account, string]()
	Deposit     = troupe.NewAction[Account, int, int]("deposit")
	Withdraw    = troupe.NewAction[Account, int, int]("withdraw")
	Owner       = troupe.NewAction[Account, troupe.None, string]("owner")
	Changed     = troupe.NewEvent[Account, int]("changed")

	ErrTooLittle = troupe.NewError("too_little", "the balance is too small")
)

// The implementation: a plain struct with methods.
type accountState struct {
	Owner   string `json:"owner"`
	Balance int    `json:"balance"`
}

func (s *accountState) open(_ *actorhost.Context, owner string) error {
	s.Owner = owner
	return nil
}

func (s *accountState) deposit(c *actorhost.Context, amount int) (int, error) {
	s.Balance += amount
	return s.Balance, Changed.Broadcast(c, s.Balance)
}

func (s *accountState) withdraw(c *actorhost.Context, amount int) (int, error) {
	if amount > s.Balance {
		return 0, ErrTooLittle.With("balance", s.Balance)
	}
	return s.deposit(c, -amount)
}

func (s *accountState) owner(*actorhost.Context) (string, error) { return s.Owner, nil }

var account = actorhost.Define(func() accountState { return accountState{} },
	actorhost.OnCreate(OpenAccount, (*accountState).open),
	actorhost.On(Deposit, (*accountState).deposit),
	actorhost.On(Withdraw, (*accountState).withdraw),
	actorhost.On(Owner, actorhost.NoIn((*accountState).owner)))

// withClient runs f with a client of a bus of its own, on which one host runs accounts and parcels.
func withClient(f func(ctx context.Context, c *client.Client) error) {
	if err := run(context.Background(), f); err != nil {
		fmt.Println(err)
	}
}

func run(ctx context.Context, f func(ctx context.Context, c *client.Client) error) (err error) {
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, append(parcels, account)...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, host.Stop(ctx)) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close(ctx)) }()
	return f(ctx, c)
}

// An actor comes to life with the first call to it, and takes one call after the other.
func Example() {
	withClient(func(ctx context.Context, c *client.Client) error {
		anna := troupe.GetOrCreate[Account](c, "anna")
		if _, err := Deposit.Call(ctx, anna, 100); err != nil {
			return err
		}
		balance, err := Withdraw.Call(ctx, anna, 30)
		fmt.Println(balance)
		return err
	})
	// Output: 70
}

// A user error crosses whole; the state is as it was before the action.
func Example_errors() {
	withClient(func(ctx context.Context, c *client.Client) error {
		anna := troupe.GetOrCreate[Account](c, "anna")
		_, err := Withdraw.Call(ctx, anna, 30)
		var refused *troupe.Error
		if errors.As(err, &refused) && errors.Is(err, ErrTooLittle) {
			fmt.Println(refused.Message, refused.Metadata["balance"])
		}
		return nil
	})
	// Output: the balance is too small 0
}

// An actor can be created with an input, once. Get never creates.
func ExampleOnCreate() {
	withClient(func(ctx context.Context, c *client.Client) error {
		_, err := Owner.Call(ctx, troupe.Get[Account](c, "bank", "4711"), nil)
		fmt.Println(errors.Is(err, troupe.ErrNotFound))

		account := troupe.GetOrCreate[Account](c, "bank", "4711")
		if err := OpenAccount.Create(ctx, account, "Ben"); err != nil {
			return err
		}
		owner, err := Owner.Call(ctx, account, nil)
		fmt.Println(owner)
		again := OpenAccount.Create(ctx, account, "Mallory")
		fmt.Println(errors.Is(again, troupe.ErrAlreadyExists))
		return err
	})
	// Output:
	// true
	// Ben
	// true
}

// A program hears an actor's events from the moment that Subscribe has returned.
func Example_events() {
	withClient(func(ctx context.Context, c *client.Client) error {
		anna := troupe.GetOrCreate[Account](c, "anna")
		balances := make(chan int)
		sub, err := Changed.Subscribe(ctx, anna, func(_ context.Context, balance int) error {
			balances <- balance
			return nil
		})
		if err != nil {
			return err
		}
		if _, err := Deposit.Call(ctx, anna, 5); err != nil {
			return err
		}
		fmt.Println(<-balances)
		return sub.Unsubscribe()
	})
	// Output: 5
}

// A program can listen to many actors at once, and is told when it has missed something.
func Example_eventsOfMany() {
	withClient(func(ctx context.Context, c *client.Client) error {
		balances := make(chan string)
		ofTheBank := troupe.All[Account](c, "bank").Exactly(1)
		sub, err := Changed.SubscribeAll(ctx, ofTheBank, func(ctx context.Context, balance int) error {
			d, _ := troupe.DeliveryOf(ctx)
			balances <- fmt.Sprintf("%s %d, event %d", d.Actor, balance, d.Position.Sequence)
			return nil
		}, troupe.OnGap(func(_ context.Context, gap troupe.Gap) error {
			balances <- "missed: " + gap.String()
			return nil
		}))
		if err != nil {
			return err
		}
		for _, key := range [][]string{{"anna"}, {"bank", "4711"}} {
			if _, err := Deposit.Call(ctx, troupe.GetOrCreate[Account](c, key...), 5); err != nil {
				return err
			}
		}
		fmt.Println(<-balances)
		return sub.Unsubscribe()
	})
	// Output: account/bank/4711 5, event 1
}

// A program without the contract has the untyped way.
func Example_untyped() {
	withClient(func(ctx context.Context, c *client.Client) error {
		var balance int
		err := c.Actor("account", "anna").Call(ctx, "deposit", 12, &balance)
		fmt.Println(balance)
		return err
	})
	// Output: 12
}
