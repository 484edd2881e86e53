package troupe_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

// The contract: typed references and actions, which hosts, other actors and outside programs share.
type (
	Inventory      struct{ troupe.Ref }
	Payment        struct{ troupe.Ref }
	OrderProcessor struct{ troupe.Ref }

	Order struct {
		ID         string `json:"id"`
		CustomerID string `json:"customerId"`
		Quantity   int    `json:"quantity"`
		Amount     int    `json:"amount"`
	}
	Receipt struct {
		TransactionID string `json:"transactionId"`
	}
)

func (Inventory) ActorType() string      { return "inventory" }
func (Payment) ActorType() string        { return "payment" }
func (OrderProcessor) ActorType() string { return "orderProcessor" }

var (
	ReserveStock   = troupe.NewAction[Inventory, int, int]("reserveStock")
	ProcessPayment = troupe.NewAction[Payment, int, Receipt]("processPayment")
	ProcessOrder   = troupe.NewAction[OrderProcessor, Order, Receipt]("processOrder")

	ErrOutOfStock = troupe.NewError("out_of_stock", "there is not enough on the shelf")
)

// The implementation: plain structs. Exported fields are the state, methods the actions.
type inventoryState struct{ Stock int }

func (s *inventoryState) reserveStock(_ *actorhost.Context, quantity int) (int, error) {
	if quantity > s.Stock {
		return 0, ErrOutOfStock.With("stock", s.Stock)
	}
	s.Stock -= quantity
	return s.Stock, nil
}

type paymentState struct{ Paid int }

func (s *paymentState) processPayment(c *actorhost.Context, amount int) (Receipt, error) {
	s.Paid += amount
	return Receipt{TransactionID: fmt.Sprintf("tx-%s-%d", c.Key()[0], s.Paid)}, nil
}

type orderProcessorState struct{ Orders []Order }

func (s *orderProcessorState) processOrder(c *actorhost.Context, o Order) (Receipt, error) {
	if _, err := ReserveStock.Call(c, troupe.GetOrCreate[Inventory](c, "main"), o.Quantity); err != nil {
		return Receipt{}, err
	}
	receipt, err := ProcessPayment.Call(c, troupe.GetOrCreate[Payment](c, o.CustomerID), o.Amount)
	if err != nil {
		return Receipt{}, err
	}
	s.Orders = append(s.Orders, o)
	return receipt, nil
}

// One registration; the compiler checks both ends.
var shopActors = []actorhost.Definition{
	actorhost.Define(func() inventoryState { return inventoryState{Stock: 100} },
		actorhost.On(ReserveStock, (*inventoryState).reserveStock)),
	actorhost.Define(func() paymentState { return paymentState{} },
		actorhost.On(ProcessPayment, (*paymentState).processPayment)),
	actorhost.Define(func() orderProcessorState { return orderProcessorState{} },
		actorhost.On(ProcessOrder, (*orderProcessorState).processOrder)),
}

// Actors take an order: one reserves stock with a second one and charges a customer with a third.
func Example() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, shopActors...)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	processor := troupe.GetOrCreate[OrderProcessor](c, "eu") // the same line in an actor and in a program
	receipt, err := ProcessOrder.Call(ctx, processor, Order{ID: "o1", CustomerID: "anna", Quantity: 5, Amount: 50})
	fmt.Println(receipt.TransactionID, err)

	_, err = ProcessOrder.Call(ctx, processor, Order{ID: "o2", CustomerID: "ben", Quantity: 1000, Amount: 9})
	fmt.Println(errors.Is(err, ErrOutOfStock), err)
	// Output:
	// tx-anna-50 <nil>
	// true out_of_stock: there is not enough on the shelf
}
