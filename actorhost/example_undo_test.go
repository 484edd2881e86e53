package actorhost_test

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Payout struct{ troupe.Ref }

func (Payout) ActorType() string { return "payout" }

type Amount struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Cents int    `json:"cents"`
}

type Purse struct{ troupe.Ref }

func (Purse) ActorType() string { return "purse" }

var (
	PayOut = troupe.NewWorkflow[Payout, Amount, troupe.None]("payOut")
	Put    = troupe.NewAction[Purse, int, int]("put")

	errPurseFull = troupe.NewError("purse_full", "there is no room for so much")
)

// payOut takes money out of one purse and puts it into another. If that has no room, the undo puts it back.
func payOut(w *actorhost.Flow[struct{}], a Amount) (none troupe.None, err error) {
	from, to := troupe.GetOrCreate[Purse](w, a.From), troupe.GetOrCreate[Purse](w, a.To)
	if _, err := actorhost.Step(w, "take", func(c *actorhost.StepContext) (int, error) { return Put.Call(c, from, -a.Cents) }); err != nil {
		return none, err
	}
	w.Undo("putBack", func(c *actorhost.StepContext) error {
		_, err := Put.Call(c, from, a.Cents)
		return err
	})
	_, err = actorhost.Step(w, "give", func(c *actorhost.StepContext) (int, error) { return Put.Call(c, to, a.Cents) })
	return none, err // an error has all undos run, the last that was registered first
}

func putIn(cents *int, _ *actorhost.Context, more int) (int, error) {
	if *cents+more > 10_00 {
		return 0, errPurseFull
	}
	*cents += more
	return *cents, nil
}

var payouts = []actorhost.Definition{
	actorhost.Define(func() struct{} { return struct{}{} }, actorhost.OnWorkflow(PayOut, payOut)),
	actorhost.Define(func() int { return 8_00 }, actorhost.On(Put, putIn)),
}

func ExampleFlow_Undo() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, payouts...)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	run := troupe.GetOrCreate[Payout](c, "m1")
	_, err = PayOut.Run(ctx, run, Amount{From: "ann", To: "ben", Cents: 5_00})
	fmt.Println(err)
	shown, err := PayOut.Show(ctx, run)
	if err != nil {
		panic(err)
	}
	for _, step := range shown.Steps {
		fmt.Println(step.Kind, step.Name)
	}
	left, err := Put.Call(ctx, troupe.GetOrCreate[Purse](c, "ann"), 0)
	fmt.Println(shown.Status, left, err)
	// Output:
	// purse_full: there is no room for so much
	// step take
	// step give
	// undo putBack
	// failed 800 <nil>
}
