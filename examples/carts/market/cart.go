// Package market is the contract of a market with carts: all that a caller of its actors has to know.
package market

import (
	"time"

	"github.com/troupe-go/troupe"
)

// Cart refers to the cart of one customer. A cart that nobody touches for a while puts its goods back, and is gone.
type Cart struct{ troupe.Ref }

// ActorType implements troupe.Reference.
func (Cart) ActorType() string { return "cart" }

// Actions and events of a cart.
var (
	// Take takes a cart. One that is not taken is of the market main, and patient.
	Take = troupe.NewConstructor[Cart, Kind]()
	// Add puts a piece into the cart, which waits as long as ever from now on, or refuses it with ErrBadPiece.
	Add = troupe.NewAction[Cart, Piece, View]("add")
	// Look shows the cart. It does not make it wait longer.
	Look = troupe.NewAction[Cart, troupe.None, View]("look")
	// Checkout sells what is in the cart, or refuses with ErrEmpty. The confirmation follows by mail, then the cart is gone.
	Checkout = troupe.NewAction[Cart, troupe.None, Order]("checkout")
	// Expire is what a cart has scheduled for the time when nobody has touched it for long.
	Expire = troupe.NewAction[Cart, troupe.None, troupe.None]("expire")
	// Confirm is what it schedules at the checkout. It fails with ErrMailDown until the mail server is up.
	Confirm = troupe.NewAction[Cart, Order, troupe.None]("confirm")

	// Expired tells what was put back.
	Expired = troupe.NewEvent[Cart, View]("expired")
	// Confirmed tells that the mail is out.
	Confirmed = troupe.NewEvent[Cart, Mail]("confirmed")

	// ErrBadPiece refuses a piece without a name or a price.
	ErrBadPiece = troupe.NewError("bad_piece", "a piece has a name and a price")
	// ErrEmpty refuses to sell nothing.
	ErrEmpty = troupe.NewError("empty", "there is nothing in the cart")
	// ErrMailDown is why a confirmation is not out yet.
	ErrMailDown = troupe.NewError("mail_down", "the mail server does not answer")
)

// Kind is what makes carts different.
type Kind struct {
	Market   string        `json:"market"`   // the key of the market to which it belongs
	Patience time.Duration `json:"patience"` // how long it waits for its customer
}

// Piece is something to buy.
type Piece struct {
	Name  string `json:"name"`
	Price int    `json:"price"` // in cents
}

// View is what there is to see of a cart.
type View struct {
	Pieces  []Piece   `json:"pieces"`
	Total   int       `json:"total"`            // in cents
	Expires time.Time `json:"expires,omitzero"` // zero: it does not
}

// Order is what was sold.
type Order struct {
	Customer string `json:"customer"`
	Pieces   int    `json:"pieces"`
	Total    int    `json:"total"` // in cents
}

// Mail is a confirmation that went out.
type Mail struct {
	Order

	Attempt int `json:"attempt"` // the one that has worked
}
