// Package checkout is the contract of a shop that takes orders by a workflow.
package checkout

import "github.com/troupe-go/troupe"

// Checkout refers to what takes one order: the key is the order's number.
type Checkout struct{ troupe.Ref }

// ActorType implements troupe.Reference.
func (Checkout) ActorType() string { return "checkout" }

// Warehouse refers to what has the goods.
type Warehouse struct{ troupe.Ref }

// ActorType implements troupe.Reference.
func (Warehouse) ActorType() string { return "warehouse" }

// Card refers to the card of a customer.
type Card struct{ troupe.Ref }

// ActorType implements troupe.Reference.
func (Card) ActorType() string { return "card" }

var (
	// Place takes an order: it reserves, charges the card and ships. If a step fails, what was done before is undone.
	Place = troupe.NewWorkflow[Checkout, Order, Receipt]("place")
	// Placed tells of an order that was taken.
	Placed = troupe.NewEvent[Checkout, Receipt]("placed")

	// Reserve puts pieces aside for an order, or fails with ErrSoldOut.
	Reserve = troupe.NewAction[Warehouse, Reservation, troupe.None]("reserve")
	// Release puts what was reserved for an order back, if anything was.
	Release = troupe.NewAction[Warehouse, string, troupe.None]("release")
	// Ship sends what was reserved for an order, or fails with ErrTooFar.
	Ship = troupe.NewAction[Warehouse, Shipment, troupe.None]("ship")
	// Count returns what is there.
	Count = troupe.NewAction[Warehouse, troupe.None, Stock]("count")

	// Charge takes the money for an order, or fails with ErrCardRefused.
	Charge = troupe.NewAction[Card, Payment, Receipt]("charge")
	// Refund gives back what was taken for an order, if anything was.
	Refund = troupe.NewAction[Card, string, troupe.None]("refund")
	// Spent returns what the card has paid in all.
	Spent = troupe.NewAction[Card, troupe.None, int]("spent")

	// ErrBadOrder is that of an order with something missing.
	ErrBadOrder = troupe.NewError("bad_order", "an order needs a customer, pieces and an amount")
	// ErrSoldOut has in its metadata how many pieces are left.
	ErrSoldOut = troupe.NewError("sold_out", "there are not so many left")
	// ErrCardRefused is that of an amount that the card does not pay.
	ErrCardRefused = troupe.NewError("card_refused", "the card does not pay so much")
	// ErrTooFar is that of a destination where nobody ships to.
	ErrTooFar = troupe.NewError("too_far", "nobody ships there")
)

// Order is what somebody wants to buy.
type Order struct {
	Customer string `json:"customer"`
	Pieces   int    `json:"pieces"`
	Cents    int    `json:"cents"` // for all of them
	To       string `json:"to"`
	Packing  int    `json:"packing,omitempty"` // seconds that it takes
}

// Reservation is pieces for an order.
type Reservation struct {
	Order  string `json:"order"`
	Pieces int    `json:"pieces"`
}

// Shipment is where an order goes.
type Shipment struct {
	Order string `json:"order"`
	To    string `json:"to"`
}

// Payment is money for an order.
type Payment struct {
	Order string `json:"order"`
	Cents int    `json:"cents"`
}

// Receipt is what a customer has paid.
type Receipt struct {
	Transaction string `json:"transaction"`
	Cents       int    `json:"cents"`
}

// Stock is what a warehouse has.
type Stock struct {
	Left     int `json:"left"`
	Reserved int `json:"reserved"`
	Shipped  int `json:"shipped"`
}
