package troupe_test

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

// A program makes a picture of its own of what all actors of a type do, and goes on where it was after a restart.
func ExampleDurableEvent_Follow() {
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
	move := func(parcel, to string) {
		if _, err := Move.Call(ctx, troupe.GetOrCreate[Parcel](c, parcel), to); err != nil {
			panic(err)
		}
	}

	var picture struct { // in a database: both are stored together
		Where map[string]string
		After troupe.Place
	}
	picture.Where = make(map[string]string)
	run := func(events int) {
		for event, err := range Moved.Follow(ctx, troupe.All[Parcel](c), picture.After) {
			if err != nil {
				panic(err)
			}
			picture.Where[event.Actor.KeyString()], picture.After = event.Payload, event.Place
			if events--; events == 0 { // the program ends
				return
			}
		}
	}
	move("p1", "Oslo")
	move("p2", "Rome")
	run(2)
	fmt.Println(picture.Where)
	move("p1", "Lima") // while nobody follows
	run(1)
	fmt.Println(picture.Where)
	// Output:
	// map[p1:Oslo p2:Rome]
	// map[p1:Lima p2:Rome]
}
