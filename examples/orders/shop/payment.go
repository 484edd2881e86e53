package shop

import "github.com/troupe-go/troupe"

// Payment refers to the payments of one customer.
type Payment struct{ troupe.Ref }

// ActorType implements troupe.Reference.
func (Payment) ActorType() string { return "payment" }

var (
	// ProcessPayment charges an amount in cents, or refuses with ErrCardRefused and charges nothing.
	ProcessPayment = troupe.NewAction[Payment, int, Receipt]("processPayment")

	// ErrCardRefused has in its metadata the most that the customer's card pays at a time, in cents.
	ErrCardRefused = troupe.NewError("card_refused", "the card does not pay that much")
)

// Receipt is the proof of a payment.
type Receipt struct {
	TransactionID string `json:"transactionId"`
}
