package actorhost_test

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Seat struct{ troupe.Ref }

func (Seat) ActorType() string { return "seat" }

var (
	Book     = troupe.NewConstructor[Seat, string]()
	BookedBy = troupe.NewAction[Seat, troupe.None, string]("bookedBy")
)

type seatState struct{ By string }

// book runs once in the life of a seat, before anything else. Without an input by is empty.
func (s *seatState) book(c *actorhost.Context, by string) error {
	if by == "" {
		return troupe.NewError("not_booked", "nobody has booked "+c.Key()[0])
	}
	s.By = by
	return nil
}

func (s *seatState) bookedBy(*actorhost.Context) (string, error) { return s.By, nil }

var seats = actorhost.Define(func() seatState { return seatState{} },
	actorhost.OnCreate(Book, (*seatState).book),
	actorhost.On(BookedBy, actorhost.NoIn((*seatState).bookedBy)))

// The on-create hook gets the input of Create, and can refuse actors that would come to life by a mere call.
func ExampleOnCreate() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, seats)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	seat := troupe.GetOrCreate[Seat](c, "12A")
	fmt.Println(BookedBy.Call(ctx, seat, nil))
	fmt.Println(Book.Create(ctx, seat, "Anna"))
	fmt.Println(BookedBy.Call(ctx, seat, nil))
	// Output:
	//  not_booked: nobody has booked 12A
	// <nil>
	// Anna <nil>
}
