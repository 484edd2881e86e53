package actorhost_test

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

// The contract of a parcel, whose events are kept, and of who counts how parcels move.
type (
	Parcel  struct{ troupe.Ref }
	Tracker struct{ troupe.Ref }
)

func (Parcel) ActorType() string  { return "parcel" }
func (Tracker) ActorType() string { return "tracker" }

var (
	Move  = troupe.NewAction[Parcel, string, troupe.None]("move")
	Moved = troupe.NewDurableEvent[Parcel, string]("moved")

	Track   = troupe.NewAction[Tracker, string, troupe.None]("track") // this parcel
	Tracked = troupe.NewEvent[Tracker, string]("tracked")
)

type parcelState struct{}

func (*parcelState) move(c *actorhost.Context, to string) error { return Moved.Broadcast(c, to) }

type trackerState struct{ Where map[string]string }

func (*trackerState) track(c *actorhost.Context, parcel string) error {
	return Moved.SubscribeDurable(c, troupe.GetOrCreate[Parcel](c, parcel))
}

// moved runs once for each move, in order, until a parcel is at home; the tracker is woken for it if it sleeps.
func (s *trackerState) moved(c *actorhost.Context, to string) error {
	d, _ := troupe.DeliveryOf(c)
	parcel := d.Actor.KeyString()
	s.Where[parcel] = to
	if to == "home" {
		if err := Moved.UnsubscribeDurable(c, troupe.GetOrCreate[Parcel](c, parcel)); err != nil {
			return err
		}
	}
	return Tracked.Broadcast(c, fmt.Sprint(s.Where))
}

var post = []actorhost.Definition{
	actorhost.Define(func() parcelState { return parcelState{} },
		actorhost.On(Move, actorhost.NoOut((*parcelState).move))),
	actorhost.Define(func() trackerState { return trackerState{Where: map[string]string{}} },
		actorhost.On(Track, actorhost.NoOut((*trackerState).track))).
		OnEvents(actorhost.OnEvent(Moved, (*trackerState).moved)),
}

// The definition says what the durable events do that an actor subscribes to.
func ExampleOnEvent() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, post...)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	tracker := troupe.GetOrCreate[Tracker](c)
	tracked := make(chan string, 10)
	_, err = Tracked.Subscribe(ctx, tracker, func(_ context.Context, where string) error {
		tracked <- where
		return nil
	})
	if err != nil {
		panic(err)
	}
	for _, parcel := range []string{"p1", "p2"} {
		if _, err := Track.Call(ctx, tracker, parcel); err != nil {
			panic(err)
		}
	}
	for _, to := range []string{"Oslo", "home", "Rome"} {
		if _, err := Move.Call(ctx, troupe.GetOrCreate[Parcel](c, "p1"), to); err != nil {
			panic(err)
		}
	}
	fmt.Println(<-tracked)
	fmt.Println(<-tracked)
	if _, err := Move.Call(ctx, troupe.GetOrCreate[Parcel](c, "p2"), "Lima"); err != nil {
		panic(err)
	}
	fmt.Println(<-tracked)
	// Output:
	// map[p1:Oslo]
	// map[p1:home]
	// map[p1:home p2:Lima]
}
