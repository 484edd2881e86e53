package main

import (
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/examples/carts/market"
)

const (
	patience  = 30 * time.Minute
	mainKey   = "main"
	expiry    = "expiry" // the name of a schedule: the next one of that name replaces it
	mailAfter = time.Second
	mailFails = 2 // how often the mail server of this example is down
)

// actors are what a host of the market runs. The compiler checks that every handler fits its action.
var actors = []actorhost.Definition{
	actorhost.Define(func() cartState { return cartState{Kind: market.Kind{Market: mainKey, Patience: patience}} },
		actorhost.OnCreate(market.Take, (*cartState).take),
		actorhost.On(market.Add, (*cartState).add),
		actorhost.On(market.Look, actorhost.NoIn((*cartState).look)),
		actorhost.On(market.Checkout, actorhost.NoIn((*cartState).checkout)),
		actorhost.On(market.Expire, actorhost.NoInNoOut((*cartState).expire)),
		actorhost.On(market.Confirm, actorhost.NoOut((*cartState).confirm))).
		Broadcasts(market.Expired, market.Confirmed),
	actorhost.Define(func() marketState { return marketState{} },
		actorhost.OnCreate(market.Open, (*marketState).open),
		actorhost.On(market.Sell, actorhost.NoOut((*marketState).sell)),
		actorhost.On(market.LastReport, actorhost.NoIn((*marketState).lastReport)),
		actorhost.On(market.CloseDay, actorhost.NoInNoOut((*marketState).closeDay))).
		Broadcasts(market.Reported),
}

// cartState is one customer's cart. What it has scheduled is stored with it, and goes with it.
type cartState struct {
	Kind   market.Kind    `json:"kind"`
	Pieces []market.Piece `json:"pieces"`
}

func (s *cartState) take(_ *actorhost.Context, kind market.Kind) error {
	if kind.Market != "" {
		s.Kind.Market = kind.Market
	}
	if kind.Patience > 0 {
		s.Kind.Patience = kind.Patience
	}
	return nil
}

func (s *cartState) add(c *actorhost.Context, piece market.Piece) (market.View, error) {
	if piece.Name == "" || piece.Price <= 0 {
		return market.View{}, market.ErrBadPiece
	}
	s.Pieces = append(s.Pieces, piece)
	if _, err := market.Expire.After(c, s.Kind.Patience, nil, troupe.Named(expiry)); err != nil {
		return market.View{}, err
	}
	return s.look(c)
}

func (s *cartState) look(c *actorhost.Context) (market.View, error) {
	view := market.View{Pieces: s.Pieces}
	for _, piece := range s.Pieces {
		view.Total += piece.Price
	}
	scheduled, err := c.Schedules()
	for _, one := range scheduled {
		if one.Name == expiry {
			view.Expires = one.Due
		}
	}
	return view, err
}

// expire runs when nobody has touched the cart for long, whatever has happened to hosts and servers meanwhile.
func (s *cartState) expire(c *actorhost.Context) error {
	view, err := s.look(c)
	if err != nil {
		return err
	}
	if err := market.Expired.Broadcast(c, view); err != nil {
		return err
	}
	c.Destroy()
	return nil
}

// checkout sells what is in the cart. That it does not expire any more, and that a mail goes out, is stored with the turn:
// both are so, or nothing has happened.
func (s *cartState) checkout(c *actorhost.Context) (market.Order, error) {
	view, err := s.look(c)
	switch {
	case err != nil:
		return market.Order{}, err
	case len(view.Pieces) == 0:
		return market.Order{}, market.ErrEmpty
	}
	order := market.Order{Customer: c.ID().KeyString(), Pieces: len(view.Pieces), Total: view.Total}
	if _, err := market.Sell.Call(c, troupe.GetOrCreate[market.Market](c, s.Kind.Market), order); err != nil {
		return market.Order{}, err
	}
	if _, err := c.Unschedule(expiry); err != nil {
		return market.Order{}, err
	}
	if _, err := market.Confirm.After(c, mailAfter, order); err != nil {
		return market.Order{}, err
	}
	s.Pieces = nil
	return order, nil
}

// confirm sends the mail. When it fails, Troupe tries it again: after 1 s, 2 s, 4 s and so on.
func (s *cartState) confirm(c *actorhost.Context, order market.Order) error {
	firing, _ := troupe.FiringOf(c)
	if firing.Attempt <= mailFails {
		return market.ErrMailDown
	}
	if err := market.Confirmed.Broadcast(c, market.Mail{Order: order, Attempt: firing.Attempt}); err != nil {
		return err
	}
	if len(s.Pieces) == 0 { // the customer has not begun again
		c.Destroy()
	}
	return nil
}

// marketState is what a market has sold since its last report.
type marketState struct {
	Orders int           `json:"orders"`
	Total  int           `json:"total"`
	Last   market.Report `json:"last"`
}

// open runs once in a market's life. From then on it closes at six every day, in summer as in winter.
func (s *marketState) open(c *actorhost.Context, _ troupe.None) error {
	_, err := market.CloseDay.Cron(c, market.Closes, nil, troupe.In(market.Zone), troupe.Named(market.Closing))
	return err
}

func (s *marketState) sell(_ *actorhost.Context, order market.Order) error {
	s.Orders++
	s.Total += order.Total
	return nil
}

// closeDay reports. Due is the end of the day, however late it runs; if no host was up at that time, it runs once for all
// days that were missed.
func (s *marketState) closeDay(c *actorhost.Context) error {
	firing, _ := troupe.FiringOf(c)
	s.Last = market.Report{Day: firing.Due, Missed: firing.Missed, Orders: s.Orders, Total: s.Total}
	s.Orders, s.Total = 0, 0
	return market.Reported.Broadcast(c, s.Last)
}

func (s *marketState) lastReport(*actorhost.Context) (market.Report, error) { return s.Last, nil }
