package troupe_test

import (
	"context"
	"fmt"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Invoice struct{ troupe.Ref }

func (Invoice) ActorType() string { return "invoice" }

var Dun = troupe.NewAction[Invoice, int, troupe.None]("dun") // the input says for the how-manieth time

type invoiceState struct{ Dunned int }

func (s *invoiceState) dun(_ *actorhost.Context, n int) error {
	s.Dunned = n
	return nil
}

var invoices = actorhost.Define(func() invoiceState { return invoiceState{} },
	actorhost.On(Dun, actorhost.NoOut((*invoiceState).dun)))

// A program schedules for any actor, sees what is scheduled without waking it, and cancels it.
func ExampleSchedulerOf() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, invoices)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	invoice := troupe.SchedulerOf(ctx, troupe.GetOrCreate[Invoice](c, "2024-17"))
	for n, days := range []int{14, 28, 42} {
		name := fmt.Sprintf("dun-%d", n+1)
		if _, err := Dun.After(invoice, time.Duration(days)*24*time.Hour, n+1, troupe.Named(name)); err != nil {
			panic(err)
		}
	}
	fmt.Println(invoice.Unschedule("dun-2"))
	listed, err := invoice.Schedules()
	if err != nil {
		panic(err)
	}
	for _, one := range listed {
		fmt.Println(one.Name, one.Action, one.Input, "in", time.Until(one.Due).Round(time.Hour))
	}
	// Output:
	// true <nil>
	// dun-1 dun 1 in 336h0m0s
	// dun-3 dun 3 in 1008h0m0s
}
