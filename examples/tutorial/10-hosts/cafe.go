package main

import (
	"fmt"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
)

type (
	// Party is a workflow: it books what a party needs.
	Party struct{ troupe.Ref }
	// Room can be booked by one party.
	Room struct{ troupe.Ref }
	// Kitchen bakes for parties.
	Kitchen struct{ troupe.Ref }
)

func (Party) ActorType() string   { return "party" }
func (Room) ActorType() string    { return "room" }
func (Kitchen) ActorType() string { return "kitchen" }

var (
	// Plan plans a party for so many guests.
	Plan = troupe.NewWorkflow[Party, int, string]("plan")
	// Book books the room for a party, Leave gives it back.
	Book  = troupe.NewAction[Room, string, troupe.None]("book")
	Leave = troupe.NewAction[Room, string, troupe.None]("leave")
	// Bake bakes so many cakes.
	Bake = troupe.NewAction[Kitchen, int, int]("bake")

	// ErrBooked and ErrTooMany are why there may be no party.
	ErrBooked  = troupe.NewError("booked", "the room is booked")
	ErrTooMany = troupe.NewError("too_many", "the oven is too small")
)

// plan is run again from its beginning whenever it goes on, on any host. A step that is done is not run again: it gives what
// it gave before.
func plan(w *actorhost.Flow[struct{}], guests int) (string, error) {
	room, kitchen := troupe.GetOrCreate[Room](w, "garden"), troupe.GetOrCreate[Kitchen](w, "main")
	party := w.ID().KeyString()
	w.Undo("leave", func(c *actorhost.StepContext) error { // if a later step fails
		_, err := Leave.Call(c, room, party)
		return err
	})
	_, err := actorhost.Step(w, "book", func(c *actorhost.StepContext) (troupe.None, error) { return Book.Call(c, room, party) })
	if err != nil {
		return "", err
	}
	if err := w.Sleep("dough", time.Second); err != nil { // or days: nothing waits in memory
		return "", err
	}
	cakes, err := actorhost.Step(w, "bake", func(c *actorhost.StepContext) (int, error) { return Bake.Call(c, kitchen, guests) })
	return fmt.Sprint(cakes, " cakes for ", party), err
}

type roomState struct{ Party string }

func (s *roomState) book(_ *actorhost.Context, party string) error {
	if s.Party != "" && s.Party != party {
		return ErrBooked
	}
	s.Party = party
	return nil
}

func (s *roomState) leave(_ *actorhost.Context, party string) error {
	if s.Party == party {
		s.Party = ""
	}
	return nil
}

type kitchenState struct{ Baked int }

func (s *kitchenState) bake(_ *actorhost.Context, cakes int) (int, error) {
	if cakes > 20 {
		return 0, ErrTooMany
	}
	s.Baked += cakes
	return cakes, nil
}

var actors = []actorhost.Definition{
	actorhost.Define(func() struct{} { return struct{}{} }, actorhost.OnWorkflow(Plan, plan)),
	actorhost.Define(func() roomState { return roomState{} },
		actorhost.On(Book, actorhost.NoOut((*roomState).book)),
		actorhost.On(Leave, actorhost.NoOut((*roomState).leave))),
	actorhost.Define(func() kitchenState { return kitchenState{} }, actorhost.On(Bake, (*kitchenState).bake)),
}
