package troupe_test

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Parcel struct{ troupe.Ref }

func (Parcel) ActorType() string { return "parcel" }

var (
	Move  = troupe.NewAction[Parcel, string, troupe.None]("move")
	Moved = troupe.NewDurableEvent[Parcel, string]("moved") // kept, by default for 7 days
)

type parcelState struct{}

func (*parcelState) move(c *actorhost.Context, to string) error { return Moved.Broadcast(c, to) }

var parcels = actorhost.Define(func() parcelState { return parcelState{} },
	actorhost.On(Move, actorhost.NoOut((*parcelState).move)))

// Durable events can be read again: all that are kept, from a sequence or from a time on.
func ExampleDurableEvent_Replay() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, parcels)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	parcel := troupe.GetOrCreate[Parcel](c, "p1")
	for _, to := range []string{"Oslo", "Rome", "Lima"} {
		if _, err := Move.Call(ctx, parcel, to); err != nil {
			panic(err)
		}
	}

	var kept []troupe.KeptEvent[string]
	for event, err := range Moved.Replay(ctx, parcel, troupe.ReplayStart{}) {
		if err != nil {
			panic(err)
		}
		fmt.Println(event.Position.Sequence, event.Payload)
		kept = append(kept, event)
	}
	for event, err := range Moved.Replay(ctx, parcel, troupe.FromSequence(2)) {
		fmt.Println("from 2:", event.Payload, err)
	}
	for event, err := range Moved.Replay(ctx, parcel, troupe.FromTime(kept[2].Time)) {
		fmt.Println("from that time:", event.Payload, err)
	}
	// Output:
	// 1 Oslo
	// 2 Rome
	// 3 Lima
	// from 2: Rome <nil>
	// from 2: Lima <nil>
	// from that time: Lima <nil>
}
