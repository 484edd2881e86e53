package shop

import (
	"time"

	"github.com/troupe-go/troupe"
)

// OrderProcessor refers to what takes the orders of one region.
type OrderProcessor struct{ troupe.Ref }

// ActorType implements troupe.Reference.
func (OrderProcessor) ActorType() string { return "orderProcessor" }

var (
	// ProcessOrder reserves the stock of an order, charges its customer and keeps the order. It passes on the refusal
	// of either. An order that was completed before is not processed again.
	ProcessOrder = troupe.NewAction[OrderProcessor, Order, Result]("processOrder")
	// ListOrders returns the latest completed orders, the oldest first.
	ListOrders = troupe.NewAction[OrderProcessor, troupe.None, []ProcessedOrder]("listOrders")

	// ErrBadOrder refuses an order that lacks something.
	ErrBadOrder = troupe.NewError("bad_order", "an order needs an id, a customerId, a quantity and an amount")
)

// Order is what a customer wants.
type Order struct {
	ID         string `json:"id"`
	CustomerID string `json:"customerId"`
	Quantity   int    `json:"quantity"`
	Amount     int    `json:"amount"` // in cents
}

// ProcessedOrder is an order that is reserved and paid.
type ProcessedOrder struct {
	Order

	Status      string    `json:"status"`
	Payment     Receipt   `json:"paymentResult"`
	CompletedAt time.Time `json:"completedAt"`
}

// Result is the answer to an order.
type Result struct {
	Success bool    `json:"success"`
	OrderID string  `json:"orderId"`
	Payment Receipt `json:"paymentResult"`
}
