//go:build chaos && unix

package chaos_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
)

// A stall has wares, and a book of what it has bought and sold: both are maps. What all wares are worth is in its state.
type stall struct{ troupe.Ref }

func (stall) ActorType() string { return "stall" }

var (
	trade      = troupe.NewAction[stall, deal, troupe.None]("trade")
	balance    = troupe.NewAction[stall, troupe.None, books]("balance")
	closeStall = troupe.NewAction[stall, troupe.None, troupe.None]("close")
)

// deal changes what there is of each ware.
type deal struct {
	Number int            `json:"number"` // no other deal has it
	Wares  map[string]int `json:"wares"`
	Fails  bool           `json:"fails"` // when all is done
}

// books is what a stall has found in its maps.
type books struct {
	Deals  []int  `json:"deals"`  // by number, in their order
	Faults string `json:"faults"` // what does not fit
}

type stallState struct {
	Worth int                        `json:"worth"`
	Deals int                        `json:"deals"`
	Wares actorhost.Map[string, int] `json:"wares"`
	Book  actorhost.Map[int, deal]   `json:"book"`
}

// errFails is the error of a deal that is to fail.
var errFails = troupe.NewError("fails", "")

func (s *stallState) trade(c *actorhost.Context, d deal) error {
	for ware, n := range d.Wares {
		had, _, err := s.Wares.Get(c, ware)
		if err != nil {
			return err
		}
		if has := had + n; has != 0 {
			err = s.Wares.Set(c, ware, has)
		} else {
			err = s.Wares.Delete(c, ware)
		}
		if err != nil {
			return err
		}
		s.Worth += n
	}
	s.Deals++
	if err := s.Book.Set(c, s.Deals, d); err != nil {
		return err
	}
	if d.Fails {
		return errFails
	}
	return nil
}

// balance compares the maps with the state, and with each other.
func (s *stallState) balance(c *actorhost.Context) (found books, err error) {
	has, worth := make(map[string]int), 0
	for one, err := range s.Wares.All(c) {
		if err != nil {
			return found, err
		}
		has[one.Key] = one.Value
		worth += one.Value
	}
	var faults []error
	if worth != s.Worth {
		faults = append(faults, fmt.Errorf("the wares are worth %d, by the state %d", worth, s.Worth))
	}
	traded := make(map[string]int)
	for one, err := range s.Book.All(c) {
		if err != nil {
			return found, err
		}
		if found.Deals = append(found.Deals, one.Value.Number); one.Key != len(found.Deals) || one.Value.Fails {
			faults = append(faults, fmt.Errorf("after %d deals comes %d: %+v", len(found.Deals)-1, one.Key, one.Value))
		}
		for ware, n := range one.Value.Wares {
			traded[ware] += n
		}
	}
	if len(found.Deals) != s.Deals {
		faults = append(faults, fmt.Errorf("the book has %d deals, by the state %d", len(found.Deals), s.Deals))
	}
	for ware, n := range traded {
		if has[ware] != n {
			faults = append(faults, fmt.Errorf("of %s there are %d, by the book %d", ware, has[ware], n))
		}
	}
	if len(faults) > 0 {
		found.Faults = fmt.Sprintf("in epoch %d: %v", c.Epoch(), errors.Join(faults...))
	}
	return found, nil
}

func stallActors() []actorhost.Definition {
	return []actorhost.Definition{
		actorhost.Define(func() stallState { return stallState{} },
			actorhost.On(trade, actorhost.NoOut((*stallState).trade)),
			actorhost.On(balance, actorhost.NoIn((*stallState).balance)).ReadOnly(),
			actorhost.On(closeStall, actorhost.NoInNoOut(func(_ *stallState, c *actorhost.Context) error { c.Destroy(); return nil })),
		).Config(actorhost.TypeConfig{SleepAfter: 200 * time.Millisecond}),
	}
}
