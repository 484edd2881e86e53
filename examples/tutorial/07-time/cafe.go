package main

import (
	"context"
	"fmt"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/client"
)

// Table can be kept free for a guest.
type Table struct{ troupe.Ref }

func (Table) ActorType() string { return "table" }

var (
	// Reserve keeps the table for a guest, for so long.
	Reserve = troupe.NewAction[Table, Reservation, troupe.None]("reserve")
	// Release is called by the table itself, when nobody has come.
	Release = troupe.NewAction[Table, troupe.None, troupe.None]("release")
	// Released says for whom the table was kept.
	Released = troupe.NewEvent[Table, string]("released")

	// ErrTaken says that the table is kept for another guest.
	ErrTaken = troupe.NewError("taken", "the table is kept for another guest")
)

// Reservation is what Reserve takes.
type Reservation struct {
	Guest string        `json:"guest"`
	For   time.Duration `json:"for"`
}

type tableState struct{ Guest string }

func (s *tableState) reserve(c *actorhost.Context, r Reservation) error {
	if s.Guest != "" && s.Guest != r.Guest {
		return ErrTaken
	}
	s.Guest = r.Guest
	_, err := Release.After(c, r.For, nil, troupe.Named("release")) // stored with the turn; the next of that name replaces it
	return err
}

func (s *tableState) release(c *actorhost.Context) error {
	guest := s.Guest
	s.Guest = ""
	return Released.Broadcast(c, guest)
}

var actors = []actorhost.Definition{
	actorhost.Define(func() tableState { return tableState{} },
		actorhost.On(Reserve, actorhost.NoOut((*tableState).reserve)),
		actorhost.On(Release, actorhost.NoInNoOut((*tableState).release))).
		Broadcasts(Released),
}

func visit(ctx context.Context, c *client.Client) error {
	table := troupe.GetOrCreate[Table](c, "window")
	released := make(chan string, 1)
	sub, err := Released.Subscribe(ctx, table, func(_ context.Context, guest string) error { released <- guest; return nil })
	if err != nil {
		return err
	}
	if _, err := Reserve.Call(ctx, table, Reservation{Guest: "anna", For: time.Second}); err != nil {
		return err
	}
	fmt.Println("kept for anna")
	fmt.Println(<-released, "has not come")
	return sub.Unsubscribe()
}
