// Package shop is the contract of a shop: all that a caller of its actors has to know.
package shop

import "github.com/troupe-go/troupe"

// Inventory refers to the stock of one warehouse.
type Inventory struct{ troupe.Ref }

// ActorType implements troupe.Reference.
func (Inventory) ActorType() string { return "inventory" }

// Actions and events of an inventory.
var (
	// ReserveStock takes pieces out of the stock, or refuses with ErrOutOfStock and leaves it as it is.
	ReserveStock = troupe.NewAction[Inventory, int, Reservation]("reserveStock")
	// ReleaseStock puts back what was reserved and then not sold. It returns the new stock.
	ReleaseStock = troupe.NewAction[Inventory, Reservation, int]("releaseStock")
	// Restock adds pieces that were delivered. It returns the new stock.
	Restock = troupe.NewAction[Inventory, int, int]("restock")
	// StockLeft returns the stock.
	StockLeft = troupe.NewAction[Inventory, troupe.None, int]("stockLeft")

	// Reserved tells of each reservation.
	Reserved = troupe.NewEvent[Inventory, StockLevel]("reserved")
	// LowStock tells that a reservation has left few pieces.
	LowStock = troupe.NewEvent[Inventory, StockLevel]("lowStock")

	// ErrOutOfStock has in its metadata how many pieces were wanted and how many are left.
	ErrOutOfStock = troupe.NewError("out_of_stock", "there are not enough pieces left")
	// ErrBadQuantity refuses less than one piece.
	ErrBadQuantity = troupe.NewError("bad_quantity", "the quantity must be positive")
)

// Reservation is a number of pieces that nobody else can have.
type Reservation struct {
	Reserved int `json:"reserved"`
}

// StockLevel is the stock of a warehouse.
type StockLevel struct {
	Warehouse string `json:"warehouse"`
	Left      int    `json:"left"`
}
