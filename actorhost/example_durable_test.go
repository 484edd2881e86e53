package actorhost_test

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/client"
)

// The contract of a parcel, whose events are kept, and of who counts how parcels move.
type (
	Parcel       struct{ troupe.Ref }
	MovesCounter struct{ troupe.Ref }
)

func (Parcel) ActorType() string       { return "parcel" }
func (MovesCounter) ActorType() string { return "movesCounter" }

var (
	Move  = troupe.NewAction[Parcel, string, troupe.None]("move")
	Moved = troupe.NewDurableEvent[Parcel, string]("moved")

	CountMoves = troupe.NewAction[MovesCounter, string, troupe.None]("countMoves") // of this parcel
	Counted    = troupe.NewEvent[MovesCounter, int]("counted")
)

type movesCounterState struct{ Moves int }

func (s *movesCounterState) countMoves(c *actorhost.Context, parcel string) error {
	return Moved.SubscribeDurable(c, troupe.GetOrCreate[Parcel](c, parcel))
}

// moved runs once for each move, in order; the actor is woken for it if it sleeps.
func (s *movesCounterState) moved(c *actorhost.Context, _ string) error {
	s.Moves++
	return Counted.Broadcast(c, s.Moves)
}

var parcels = []actorhost.Definition{
	actorhost.Define(func() struct{} { return struct{}{} },
		actorhost.On(Move, actorhost.NoOut(func(_ *struct{}, c *actorhost.Context, to string) error { return Moved.Broadcast(c, to) }))),
	actorhost.Define(func() movesCounterState { return movesCounterState{} },
		actorhost.On(CountMoves, actorhost.NoOut((*movesCounterState).countMoves))).
		Events(actorhost.OnEvent(Moved, (*movesCounterState).moved)),
}

// An actor can subscribe to a durable event for good, and anybody can read what was broadcast before.
func ExampleOnEvent() {
	withClient(func(ctx context.Context, c *client.Client) error {
		parcel, counter := troupe.GetOrCreate[Parcel](c, "p1"), troupe.GetOrCreate[MovesCounter](c, "all")
		if _, err := CountMoves.Call(ctx, counter, "p1"); err != nil {
			return err
		}
		counts := make(chan int, 10)
		if _, err := Counted.Subscribe(ctx, counter, func(_ context.Context, n int) error { counts <- n; return nil }); err != nil {
			return err
		}
		for _, to := range []string{"Oslo", "Rome", "Lima"} {
			if _, err := Move.Call(ctx, parcel, to); err != nil {
				return err
			}
		}
		fmt.Println(<-counts, <-counts, <-counts)
		for kept, err := range Moved.Replay(ctx, parcel, troupe.FromSequence(2)) {
			if err != nil {
				return err
			}
			fmt.Println(kept.Position.Sequence, kept.Payload)
		}
		return nil
	})
	// Output:
	// 1 2 3
	// 2 Rome
	// 3 Lima
}
