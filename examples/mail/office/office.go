// Package office is the contract of a mailer and of the shop that uses it: all that a caller of these actors has to know.
package office

import "github.com/troupe-go/troupe"

// Mailer refers to an actor that sends letters.
type Mailer struct{ troupe.Ref }

// ActorType implements troupe.Reference.
func (Mailer) ActorType() string { return "mailer" }

// Queues, actions and events of a mailer.
var (
	// Send has a letter sent. One without an address becomes a dead letter.
	Send = troupe.NewQueue[Mailer, Letter]("send")
	// Repair sets the address to which letters go that have none.
	Repair = troupe.NewAction[Mailer, string, troupe.None]("repair")
	// Sent tells of a letter that is out.
	Sent = troupe.NewEvent[Mailer, Delivery]("sent")

	// ErrNoAddress refuses a letter. It is of no use to try it again.
	ErrNoAddress = troupe.NewError("no_address", "a letter needs an address")
)

// Letter is a message of the queue.
type Letter struct {
	To   string `json:"to"`
	Text string `json:"text"`
}

// Delivery is a letter that is out.
type Delivery struct {
	Letter  Letter `json:"letter"`
	Attempt int    `json:"attempt"`
	Sent    int    `json:"sent"` // letters by now
}

// Shop refers to a shop that writes to its customers.
type Shop struct{ troupe.Ref }

// ActorType implements troupe.Reference.
func (Shop) ActorType() string { return "shop" }

var (
	// Order takes an order, and has a letter sent about it. It refuses an order of nothing with ErrEmpty: then no letter leaves.
	Order = troupe.NewAction[Shop, Purchase, int]("order")

	// ErrEmpty refuses an order.
	ErrEmpty = troupe.NewError("empty", "there is nothing to order")
)

// Purchase is what somebody orders.
type Purchase struct {
	Customer string `json:"customer"` // an address
	Pieces   int    `json:"pieces"`
}
