//go:build chaos

package actorhost

import (
	"os"
	"strings"
	"sync/atomic"
)

// What faults.go says, with the guarantees that are named in TROUPE_CHAOS_OFF, separated by commas, switched off.
var (
	fencing  = !off("fencing")
	gating   = !off("gating")
	deduping = !off("deduping")

	eager = os.Getenv("TROUPE_CHAOS_EAGER") != ""
)

func off(guarantee string) bool {
	for name := range strings.SplitSeq(os.Getenv("TROUPE_CHAOS_OFF"), ",") {
		if name == guarantee {
			return true
		}
	}
	return false
}

var fault atomic.Pointer[func(point string)]

// OnPoint has f called at each of the points before_commit, after_commit and before_reply of every turn that changes
// its actor. It exists only in builds with the tag chaos.
func OnPoint(f func(point string)) { fault.Store(&f) }

func at(p point) {
	if f := fault.Load(); f != nil {
		(*f)(string(p))
	}
}

type point string

const (
	beforeCommit point = "before_commit"
	afterCommit  point = "after_commit"
	beforeReply  point = "before_reply"
)
