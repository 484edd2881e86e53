package main

import (
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/examples/saga/checkout"
)

const (
	fullStock = 1000
	cardLimit = 500_00 // cents, for one order
)

// actors are what a host of the shop runs.
var actors = []actorhost.Definition{
	actorhost.Define(func() checkoutState { return checkoutState{} }, actorhost.OnWorkflow(checkout.Place, place)).
		Broadcasts(checkout.Placed),
	actorhost.Define(func() warehouseState {
		return warehouseState{Stock: checkout.Stock{Left: fullStock}, Reserved: make(map[string]int)}
	},
		actorhost.On(checkout.Reserve, actorhost.NoOut((*warehouseState).reserve)),
		actorhost.On(checkout.Release, actorhost.NoOut((*warehouseState).release)),
		actorhost.On(checkout.Ship, actorhost.NoOut((*warehouseState).ship)),
		actorhost.On(checkout.Count, actorhost.NoIn((*warehouseState).count))),
	actorhost.Define(func() cardState { return cardState{Paid: make(map[string]int)} },
		actorhost.On(checkout.Charge, (*cardState).charge),
		actorhost.On(checkout.Refund, actorhost.NoOut((*cardState).refund)),
		actorhost.On(checkout.Spent, actorhost.NoIn((*cardState).spent))),
}

// checkoutState is what a checkout knows besides its workflow.
type checkoutState struct {
	Receipt checkout.Receipt `json:"receipt"`
}

// place takes an order. It is run again from the beginning whenever it goes on, on any host; the steps that are done give what they
// gave before. Each undo is registered before its step: a step may have had an effect though all that is known is its failure.
func place(w *actorhost.Flow[checkoutState], order checkout.Order) (receipt checkout.Receipt, err error) {
	if order.Customer == "" || order.Pieces <= 0 || order.Cents <= 0 {
		return receipt, checkout.ErrBadOrder
	}
	number := w.ID().KeyString()
	warehouse, card := troupe.GetOrCreate[checkout.Warehouse](w, "main"), troupe.GetOrCreate[checkout.Card](w, order.Customer)

	w.Undo("release", func(c *actorhost.StepContext) error {
		_, err := checkout.Release.Call(c, warehouse, number)
		return err
	})
	_, err = actorhost.Step(w, "reserve", func(c *actorhost.StepContext) (troupe.None, error) {
		return checkout.Reserve.Call(c, warehouse, checkout.Reservation{Order: number, Pieces: order.Pieces})
	})
	if err != nil {
		return receipt, err // the undos run, the last that was registered first
	}

	w.Undo("refund", func(c *actorhost.StepContext) error {
		_, err := checkout.Refund.Call(c, card, number)
		return err
	})
	receipt, err = actorhost.Step(w, "charge", func(c *actorhost.StepContext) (checkout.Receipt, error) {
		return checkout.Charge.Call(c, card, checkout.Payment{Order: number, Cents: order.Cents})
	}, actorhost.Tries(5, time.Second, time.Minute))
	if err != nil {
		return receipt, err
	}

	if err := w.Sleep("packing", time.Duration(order.Packing)*time.Second); err != nil {
		return receipt, err
	}
	_, err = actorhost.Step(w, "ship", func(c *actorhost.StepContext) (troupe.None, error) {
		return checkout.Ship.Call(c, warehouse, checkout.Shipment{Order: number, To: order.To})
	})
	if err != nil {
		return receipt, err
	}
	return receipt, w.Update("tell", func(s *checkoutState, c *actorhost.Context) error {
		s.Receipt = receipt
		return checkout.Placed.Broadcast(c, receipt)
	})
}

// warehouseState is the stock of one warehouse, with what is reserved by order.
type warehouseState struct {
	Stock    checkout.Stock `json:"stock"`
	Reserved map[string]int `json:"reserved"`
}

func (s *warehouseState) reserve(_ *actorhost.Context, r checkout.Reservation) error {
	if r.Pieces > s.Stock.Left {
		return checkout.ErrSoldOut.With("left", s.Stock.Left)
	}
	s.Reserved[r.Order] = r.Pieces
	s.move(-r.Pieces, r.Pieces, 0)
	return nil
}

func (s *warehouseState) release(_ *actorhost.Context, order string) error {
	pieces := s.Reserved[order]
	delete(s.Reserved, order)
	s.move(pieces, -pieces, 0)
	return nil
}

func (s *warehouseState) ship(_ *actorhost.Context, shipment checkout.Shipment) error {
	if shipment.To == "the Moon" {
		return checkout.ErrTooFar.With("to", shipment.To)
	}
	pieces := s.Reserved[shipment.Order]
	delete(s.Reserved, shipment.Order)
	s.move(0, -pieces, pieces)
	return nil
}

func (s *warehouseState) move(left, reserved, shipped int) {
	s.Stock.Left += left
	s.Stock.Reserved += reserved
	s.Stock.Shipped += shipped
}

func (s *warehouseState) count(*actorhost.Context) (checkout.Stock, error) { return s.Stock, nil }

// cardState is what a card has paid, by order.
type cardState struct {
	Paid map[string]int `json:"paid"`
}

func (s *cardState) charge(_ *actorhost.Context, p checkout.Payment) (checkout.Receipt, error) {
	if p.Cents > cardLimit {
		return checkout.Receipt{}, checkout.ErrCardRefused.With("limit", cardLimit)
	}
	s.Paid[p.Order] += p.Cents // it would show if a step were to take it twice
	return checkout.Receipt{Transaction: "tx-" + p.Order, Cents: p.Cents}, nil
}

func (s *cardState) refund(_ *actorhost.Context, order string) error {
	delete(s.Paid, order)
	return nil
}

func (s *cardState) spent(*actorhost.Context) (sum int, err error) {
	for _, cents := range s.Paid {
		sum += cents
	}
	return sum, nil
}
