package main

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/examples/mail/office"
)

const (
	mainKey   = "main"
	mailFails = 2 // how often the mail server of this example is down for a letter that is urgent
	urgent    = "urgent"
)

// actors are what a host of the office runs. The compiler checks that every handler fits its queue or action.
var actors = []actorhost.Definition{
	actorhost.Define(func() mailerState { return mailerState{} },
		actorhost.OnQueue(office.Send, (*mailerState).send, actorhost.Retries{Attempts: 8, First: 500 * time.Millisecond}),
		actorhost.On(office.Repair, actorhost.NoOut((*mailerState).repair))).
		Broadcasts(office.Sent),
	actorhost.Define(func() shopState { return shopState{} },
		actorhost.On(office.Order, (*shopState).order)),
}

// mailerState is a mailer. What it counts is right, whatever dies in between.
type mailerState struct {
	Sent   int    `json:"sent"`
	Nobody string `json:"nobody"` // where letters without an address go
}

// send sends a letter. It runs as a turn: if it fails, the state is as before, and the letter is tried again.
func (s *mailerState) send(c *actorhost.Context, l office.Letter) error {
	queued, _ := troupe.QueuedOf(c)
	if l.To = cmp.Or(l.To, s.Nobody); l.To == "" {
		return office.ErrNoAddress // of its own: a dead letter at once
	}
	if l.Text == urgent && queued.Attempt <= mailFails {
		return errMailDown
	}
	s.Sent++
	return office.Sent.Broadcast(c, office.Delivery{Letter: l, Attempt: queued.Attempt, Sent: s.Sent})
}

// errMailDown is no error for callers: the letter is tried again.
var errMailDown = errors.New("the mail server does not answer")

func (s *mailerState) repair(_ *actorhost.Context, address string) error {
	s.Nobody = address
	return nil
}

// shopState is a shop.
type shopState struct {
	Orders int `json:"orders"`
}

// order takes an order. The letter leaves with the turn: an order that is refused sends none.
func (s *shopState) order(c *actorhost.Context, p office.Purchase) (int, error) {
	s.Orders++
	letter := office.Letter{To: p.Customer, Text: fmt.Sprintf("Thank you for order %d.", s.Orders)}
	if err := office.Send.Push(c, troupe.GetOrCreate[office.Mailer](c, mainKey), letter); err != nil {
		return 0, err
	}
	if p.Pieces <= 0 {
		return 0, office.ErrEmpty
	}
	return s.Orders, nil
}
