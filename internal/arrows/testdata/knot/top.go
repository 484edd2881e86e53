// Package knot has six files, of which four form a knot: top stands above it, base below.
package knot

// Top uses the knot.
func Top() int { return left{}.value() }

// Valuer counts with its exported method, and with no other.
type Valuer interface {
	Value() int
	hidden()
}
