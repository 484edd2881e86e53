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

type Voucher struct{ troupe.Ref }

func (Voucher) ActorType() string { return "voucher" }

var (
	Print  = troupe.NewConstructor[Voucher, int]()
	Redeem = troupe.NewAction[Voucher, troupe.None, int]("redeem")
)

type voucherState struct{ Worth int }

func (s *voucherState) print(_ *actorhost.Context, worth int) error {
	s.Worth = worth
	return nil
}

// redeem destroys the voucher once it has succeeded: nobody can redeem it again.
func (s *voucherState) redeem(c *actorhost.Context) (int, error) {
	c.Destroy()
	return s.Worth, nil
}

var vouchers = actorhost.Define(func() voucherState { return voucherState{} },
	actorhost.OnCreate(Print, (*voucherState).print),
	actorhost.On(Redeem, actorhost.NoIn((*voucherState).redeem)))

// An actor lives until it destroys itself, with all that is stored of it.
func ExampleContext_Destroy() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, vouchers)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	voucher := troupe.Get[Voucher](c, "v1")
	fmt.Println(Print.Create(ctx, voucher, 25))
	fmt.Println(Redeem.Call(ctx, voucher, nil))
	_, err = Redeem.Call(ctx, voucher, nil)
	fmt.Println(errors.Is(err, troupe.ErrNotFound))
	// Output:
	// <nil>
	// 25 <nil>
	// true
}
