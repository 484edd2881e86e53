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

// An Arrivals counts the parcels that are home, of all that there are.
type Arrivals struct{ troupe.Ref }

func (Arrivals) ActorType() string { return "arrivals" }

var (
	Count   = troupe.NewAction[Arrivals, troupe.None, int]("count")
	Counted = troupe.NewEvent[Arrivals, int]("counted")
)

type arrivalsState struct {
	Home int
	Seen troupe.Place // of the last event that has counted
}

func (s *arrivalsState) count(*actorhost.Context) (int, error) { return s.Home, nil }

// see has an event and its place be one change of the state: so each counts once, whatever ends the loop.
func (s *arrivalsState) see(c *actorhost.Context, moved troupe.KeptEvent[string]) error {
	s.Seen = moved.Place
	if moved.Payload != "home" {
		return nil
	}
	s.Home++
	return Counted.Broadcast(c, s.Home)
}

// followParcels goes on where the state says.
func followParcels(l *actorhost.Loop[arrivalsState]) error {
	var seen troupe.Place
	if err := l.Turn(func(s *arrivalsState, _ *actorhost.Context) error { seen = s.Seen; return nil }); err != nil {
		return err
	}
	for moved, err := range Moved.Follow(l, troupe.All[Parcel](l), seen) {
		if errors.Is(err, troupe.ErrNotFound) { // the log was lost: from its beginning then, when the loop runs again
			err = errors.Join(err, l.Turn(func(s *arrivalsState, _ *actorhost.Context) error { s.Seen = ""; return nil }))
		}
		if err != nil {
			return err
		}
		if err := l.Turn(func(s *arrivalsState, c *actorhost.Context) error { return s.see(c, moved) }); err != nil {
			return err
		}
	}
	return nil
}

// An actor follows the durable events of many others in its run loop.
func ExampleActorType_Loop_followMany() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, post[0],
		actorhost.Define(func() arrivalsState { return arrivalsState{} },
			actorhost.On(Count, actorhost.NoIn((*arrivalsState).count)),
		).Loop(followParcels))
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	arrivals := troupe.GetOrCreate[Arrivals](c)
	counted := make(chan int, 10)
	_, err = Counted.Subscribe(ctx, arrivals, func(_ context.Context, home int) error {
		counted <- home
		return nil
	})
	if err != nil {
		panic(err)
	}
	if _, err := Count.Call(ctx, arrivals, nil); err != nil { // it wakes, and its loop begins
		panic(err)
	}
	for _, parcel := range []string{"p1", "p2", "p3"} {
		for _, to := range []string{"Oslo", "home"} {
			if _, err := Move.Call(ctx, troupe.GetOrCreate[Parcel](c, parcel), to); err != nil {
				panic(err)
			}
		}
	}
	fmt.Println(<-counted, <-counted, <-counted)
	// Output: 1 2 3
}
