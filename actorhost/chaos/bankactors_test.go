//go:build chaos && unix

package chaos_test

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
)

// A teller moves money from one account to another by two calls of its own.
type (
	account struct{ troupe.Ref }
	teller  struct{ troupe.Ref }
)

func (account) ActorType() string { return "account" }
func (teller) ActorType() string  { return "teller" }

var (
	withdraw = troupe.NewAction[account, payment, troupe.None]("withdraw")
	deposit  = troupe.NewAction[account, payment, troupe.None]("deposit")
	audit    = troupe.NewAction[account, int, statement]("audit")
	transfer = troupe.NewAction[teller, order, troupe.None]("transfer")
	served   = troupe.NewAction[teller, troupe.None, int]("served")
)

// order is what a teller is asked to do.
type order struct {
	Number  int32 `json:"number"` // from 1; no other order has it
	From    int   `json:"from"`
	To      int   `json:"to"`
	Amount  int   `json:"amount"`
	Named   bool  `json:"named"`   // the calls to the accounts have ids, made from that of the order
	Counted bool  `json:"counted"` // the teller counts it, so that it has a state to store, and an answer to remember
}

// payment is what an account is asked to do.
type payment struct {
	Order  int32 `json:"order"`
	Amount int   `json:"amount"`
}

// statement is what an account has done: its balance, and the orders of its payments from one of them on. An order by
// which it has paid is negative.
type statement struct {
	Balance int     `json:"balance"`
	First   int     `json:"first"`
	Orders  []int32 `json:"orders"`
}

const openingBalance = 1000

// stopped is the code of a teller that was not able to make one of its calls.
const stopped troupe.Code = "stopped"

var errStopped = troupe.NewError(stopped, "")

func (s *statement) withdraw(_ *actorhost.Context, p payment) error {
	s.Balance -= p.Amount
	s.Orders = append(s.Orders, -p.Order)
	return nil
}

func (s *statement) deposit(_ *actorhost.Context, p payment) error {
	s.Balance += p.Amount
	s.Orders = append(s.Orders, p.Order)
	return nil
}

// audit answers the payments from a first one on, and forgets those before it: who asks for them knows the others. So an
// account tells of every payment, and is small all the time.
func (s *statement) audit(_ *actorhost.Context, first int) (statement, error) {
	if known := min(first-s.First, len(s.Orders)); known > 0 {
		s.Orders = append([]int32(nil), s.Orders[known:]...)
		s.First += known
	}
	return *s, nil
}

type tellerState struct {
	Served int `json:"served"`
}

func (s *tellerState) transfer(c *actorhost.Context, o order) error {
	out, in := context.Context(c), context.Context(c)
	if o.Named {
		out = troupe.WithRequestID(c, c.RequestID()+"/w")
		in = troupe.WithRequestID(c, c.RequestID()+"/d")
	}
	p := payment{o.Number, o.Amount}
	if _, err := withdraw.Call(out, troupe.GetOrCreate[account](c, fmt.Sprint(o.From)), p); err != nil {
		return troupe.NewError(stopped, fmt.Sprint("withdraw: ", err))
	}
	if _, err := deposit.Call(in, troupe.GetOrCreate[account](c, fmt.Sprint(o.To)), p); err != nil {
		return troupe.NewError(stopped, fmt.Sprint("deposit: ", err))
	}
	if o.Counted {
		s.Served++
	}
	return nil
}

func bankActors() []actorhost.Definition {
	return []actorhost.Definition{
		actorhost.Define(func() statement { return statement{Balance: openingBalance} },
			actorhost.On(withdraw, actorhost.NoOut((*statement).withdraw)),
			actorhost.On(deposit, actorhost.NoOut((*statement).deposit)),
			actorhost.On(audit, (*statement).audit)),
		actorhost.Define(func() tellerState { return tellerState{} },
			actorhost.On(transfer, actorhost.NoOut((*tellerState).transfer)),
			actorhost.On(served, func(s *tellerState, _ *actorhost.Context, _ troupe.None) (int, error) { return s.Served, nil })),
	}
}
