//go:build chaos

package faults

import (
	"os"
	"strings"
	"sync/atomic"
)

// What faults.go says, with the guarantees that are named in TROUPE_CHAOS_OFF, separated by commas, switched off.
var (
	Fencing  = !off("fencing")
	Gating   = !off("gating")
	Deduping = !off("deduping")

	Eager = os.Getenv("TROUPE_CHAOS_EAGER") != ""
)

func off(guarantee string) bool {
	for name := range strings.SplitSeq(os.Getenv("TROUPE_CHAOS_OFF"), ",") {
		if name == guarantee {
			return true
		}
	}
	return false
}

var handler atomic.Pointer[func(point string)]

// Handle has f called at each point.
func Handle(f func(point string)) { handler.Store(&f) }

// At is called at each point.
func At(p Point) {
	if f := handler.Load(); f != nil {
		(*f)(string(p))
	}
}
