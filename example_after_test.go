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

type Seat struct{ troupe.Ref }

func (Seat) ActorType() string { return "seat" }

var (
	Hold    = troupe.NewAction[Seat, string, troupe.None]("hold")
	Pay     = troupe.NewAction[Seat, troupe.None, string]("pay")
	Release = troupe.NewAction[Seat, troupe.None, troupe.None]("release")
	Free    = troupe.NewEvent[Seat, string]("free")
)

type seatState struct{ HeldBy string }

// hold keeps the seat for a while. The next one of that name moves the time: a seat is released once.
func (s *seatState) hold(c *actorhost.Context, who string) error {
	s.HeldBy = who
	_, err := Release.After(c, 200*time.Millisecond, nil, troupe.Named("release"))
	return err
}

// pay ends the wait, in the same write as all that it changes.
func (s *seatState) pay(c *actorhost.Context) (string, error) {
	_, err := c.Unschedule("release")
	return s.HeldBy, err
}

func (s *seatState) release(c *actorhost.Context) error {
	who := s.HeldBy
	s.HeldBy = ""
	return Free.Broadcast(c, who)
}

var seats = actorhost.Define(func() seatState { return seatState{} },
	actorhost.On(Hold, actorhost.NoOut((*seatState).hold)),
	actorhost.On(Pay, actorhost.NoIn((*seatState).pay)),
	actorhost.On(Release, actorhost.NoInNoOut((*seatState).release)))

// What is held and not bought in time is released, also if the host dies meanwhile.
func ExampleAction_After() {
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

	free := make(chan string, 2)
	for row, pays := range map[string]bool{"a": true, "b": false} {
		seat := troupe.GetOrCreate[Seat](c, row)
		_, err := Free.Subscribe(ctx, seat, func(_ context.Context, who string) error {
			free <- row + ", held by " + who
			return nil
		})
		if err != nil {
			panic(err)
		}
		for _, who := range []string{"anna", "ben"} {
			if _, err := Hold.Call(ctx, seat, who); err != nil {
				panic(err)
			}
		}
		if pays {
			if _, err := Pay.Call(ctx, seat, nil); err != nil {
				panic(err)
			}
		}
	}
	fmt.Println(<-free)
	// Output: b, held by ben
}
