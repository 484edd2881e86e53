//go:build !chaos

package actorhost

// The harness of package chaos, whose build has the tag of that name, stops hosts at points of a turn and switches
// guarantees off to see whether it would notice. In every other build there is nothing of it.
const (
	fencing  = true // writes are compare-and-set, and a host without a lease is silent
	gating   = true // replies and events wait for the write
	deduping = true // what ran is remembered

	eager = false // each change goes to the journal that may
)

func at(point) {}

type point string

const (
	beforeCommit point = "before_commit" // the turn has ended, nothing is written
	afterCommit  point = "after_commit"  // the write is acknowledged, nothing is sent
	beforeReply  point = "before_reply"  // the events are sent, the reply is not
)
