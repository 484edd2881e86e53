package main

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/examples/orders/shop"
)

const (
	fullStock    = 100
	lowStock     = 20
	cardLimit    = 500_00 // cents
	latestOrders = 100    // that are listed; all are kept
)

// actors are what a host of the shop runs. The compiler checks that every handler fits its action.
var actors = []actorhost.Definition{
	actorhost.Define(func() inventoryState { return inventoryState{Stock: fullStock} },
		actorhost.On(shop.ReserveStock, (*inventoryState).reserveStock),
		actorhost.On(shop.ReleaseStock, (*inventoryState).releaseStock),
		actorhost.On(shop.Restock, (*inventoryState).restock),
		actorhost.On(shop.StockLeft, actorhost.NoIn((*inventoryState).stockLeft))).
		Broadcasts(shop.Reserved, shop.LowStock),
	actorhost.Define(func() paymentState { return paymentState{Limit: cardLimit} },
		actorhost.On(shop.ProcessPayment, (*paymentState).processPayment)),
	actorhost.Define(func() processorState { return processorState{} },
		actorhost.On(shop.ProcessOrder, (*processorState).processOrder),
		actorhost.On(shop.ListOrders, actorhost.NoIn((*processorState).listOrders)).ReadOnly()),
}

// inventoryState is the stock of one warehouse. Its exported fields are stored after each action.
type inventoryState struct {
	Stock int `json:"stock"`
}

func (s *inventoryState) reserveStock(c *actorhost.Context, quantity int) (shop.Reservation, error) {
	switch {
	case quantity <= 0:
		return shop.Reservation{}, shop.ErrBadQuantity
	case quantity > s.Stock:
		return shop.Reservation{}, shop.ErrOutOfStock.With("wanted", quantity).With("left", s.Stock)
	}
	before := s.Stock
	s.Stock -= quantity
	return shop.Reservation{Reserved: quantity}, s.tell(c, before)
}

// tell broadcasts what is left. The events leave once the reservation is stored.
func (s *inventoryState) tell(c *actorhost.Context, before int) error {
	level := shop.StockLevel{Warehouse: c.ID().KeyString(), Left: s.Stock}
	if err := shop.Reserved.Broadcast(c, level); err != nil {
		return err
	}
	if s.Stock < lowStock && before >= lowStock {
		return shop.LowStock.Broadcast(c, level)
	}
	return nil
}

func (s *inventoryState) releaseStock(c *actorhost.Context, r shop.Reservation) (int, error) {
	return s.restock(c, r.Reserved)
}

func (s *inventoryState) restock(_ *actorhost.Context, quantity int) (int, error) {
	if quantity <= 0 {
		return 0, shop.ErrBadQuantity
	}
	s.Stock += quantity
	return s.Stock, nil
}

func (s *inventoryState) stockLeft(*actorhost.Context) (int, error) { return s.Stock, nil }

// paymentState is one customer's card.
type paymentState struct {
	Limit   int `json:"limit"`   // the most that it pays at a time
	Charged int `json:"charged"` // all that it has paid
}

func (s *paymentState) processPayment(_ *actorhost.Context, amount int) (shop.Receipt, error) {
	if amount <= 0 || amount > s.Limit {
		return shop.Receipt{}, shop.ErrCardRefused.With("limit", s.Limit)
	}
	s.Charged += amount
	return shop.Receipt{TransactionID: "tx-" + rand.Text()[:10]}, nil
}

// processorState is what takes the orders of one region. It keeps all: each is apart from the rest of the state, and read when it is
// asked for.
type processorState struct {
	Count    int                                        `json:"count"`
	Placed   actorhost.Map[string, shop.ProcessedOrder] `json:"placed"`   // by their IDs
	Numbered actorhost.Map[int, string]                 `json:"numbered"` // their IDs, by the numbers in which they came
}

// processOrder calls two other actors. Their own work is stored before they answer: what it has to take back, it takes
// back by a call.
func (s *processorState) processOrder(c *actorhost.Context, order shop.Order) (shop.Result, error) {
	if order.ID == "" || order.CustomerID == "" || order.Quantity <= 0 || order.Amount <= 0 {
		return shop.Result{}, shop.ErrBadOrder
	}
	if before, ok, err := s.Placed.Get(c, order.ID); ok || err != nil {
		return result(before), err
	}

	inventory := troupe.GetOrCreate[shop.Inventory](c, "main")
	reservation, err := shop.ReserveStock.Call(c, inventory, order.Quantity)
	if err != nil {
		return shop.Result{}, err // the caller gets out_of_stock as the inventory made it
	}
	payment := troupe.GetOrCreate[shop.Payment](c, order.CustomerID)
	receipt, err := shop.ProcessPayment.Call(c, payment, order.Amount)
	if err != nil {
		// Only a refusal is certain not to have taken the money. After any other error the pieces stay reserved.
		if errors.Is(err, shop.ErrCardRefused) {
			release(c, inventory, reservation)
		}
		return shop.Result{}, err
	}

	done := shop.ProcessedOrder{Order: order, Status: "completed", Payment: receipt, CompletedAt: time.Now().UTC()}
	s.Count++
	if err := errors.Join(s.Placed.Set(c, order.ID, done), s.Numbered.Set(c, s.Count, order.ID)); err != nil {
		return shop.Result{}, err
	}
	return result(done), nil
}

// release undoes a reservation. The customer hears of the refused card also when it fails.
func release(c *actorhost.Context, inventory shop.Inventory, reservation shop.Reservation) {
	if _, err := shop.ReleaseStock.Call(c, inventory, reservation); err != nil {
		c.Logger().Error("a reservation was not released", slog.Int("pieces", reservation.Reserved), slog.Any("error", err))
	}
}

func (s *processorState) listOrders(c *actorhost.Context) (orders []shop.ProcessedOrder, err error) {
	for one, err := range s.Numbered.From(c, s.Count-latestOrders+1) {
		if err != nil {
			return nil, err
		}
		order, _, err := s.Placed.Get(c, one.Value)
		if err != nil {
			return nil, err
		}
		orders = append(orders, order)
	}
	return orders, nil
}

func result(o shop.ProcessedOrder) shop.Result {
	return shop.Result{Success: true, OrderID: o.ID, Payment: o.Payment}
}
