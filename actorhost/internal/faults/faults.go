//go:build !chaos

package faults

// Guarantees.
const (
	Fencing  = true // writes are compare-and-set, and a host without a lease is silent
	Gating   = true // replies and events wait for the write
	Deduping = true // what ran is remembered

	Eager = false // each change goes to the journal that may
)

// At is called at each point.
func At(Point) {}
