//go:build chaos

package faults

import (
	"os"
	"strings"
	"sync/atomic"
)

// As in faults.go, but TROUPE_CHAOS_OFF may switch guarantees off: a list of names separated by commas.
var (
	Fencing   = !off("fencing")
	Gating    = !off("gating")
	Deduping  = !off("deduping")
	Nesting   = !off("nesting")
	Archiving = !off("archiving")
	Asking    = !off("asking")

	AlarmFirst = !off("alarmfirst")
	AlarmCAS   = !off("alarmcas")
	RingAcks   = !off("ringacks")

	QueueDone = !off("queuedone")
	QueueAcks = !off("queueacks")
	InOrder   = !off("inorder")

	ItemsLast = !off("itemslast")

	Marking = !off("marking")

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

// Handle makes At call f.
func Handle(f func(point string)) { handler.Store(&f) }

// At calls the handler, if there is one.
func At(p Point) {
	if f := handler.Load(); f != nil {
		(*f)(string(p))
	}
}
