package troupe_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Courier struct{ troupe.Ref }

func (Courier) ActorType() string { return "courier" }

var (
	Bring   = troupe.NewAction[Courier, string, troupe.None]("bring")
	Brought = troupe.NewEvent[Courier, string]("brought")

	ErrNobodyHome = troupe.NewError("nobody_home", "nobody opens the door")
)

type courierState struct{}

// bring is called, or runs as it was scheduled. When it fails then, it is tried again, first after a second.
func (*courierState) bring(c *actorhost.Context, parcel string) error {
	firing, ok := troupe.FiringOf(c)
	switch {
	case !ok:
		return Brought.Broadcast(c, parcel+": called")
	case firing.Attempt == 1:
		return ErrNobodyHome
	}
	return Brought.Broadcast(c, fmt.Sprintf("%s: scheduled as %s, attempt %d", parcel, firing.Name, firing.Attempt))
}

var couriers = actorhost.Define(func() courierState { return courierState{} },
	actorhost.On(Bring, actorhost.NoOut((*courierState).bring)))

func ExampleFiringOf() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, couriers)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	courier := troupe.GetOrCreate[Courier](c, "jo")
	delivered := make(chan string, 2)
	if _, err := Brought.Subscribe(ctx, courier, func(_ context.Context, what string) error { delivered <- what; return nil }); err != nil {
		panic(err)
	}
	if _, err := Bring.Call(ctx, courier, "a letter"); err != nil {
		panic(err)
	}
	if _, err := Bring.After(troupe.SchedulerOf(ctx, courier), time.Millisecond, "a parcel", troupe.Named("monday")); err != nil {
		panic(err)
	}
	fmt.Println(<-delivered)
	fmt.Println(<-delivered)
	// Output:
	// a letter: called
	// a parcel: scheduled as monday, attempt 2
}
