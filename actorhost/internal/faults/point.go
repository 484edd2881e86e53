// Package faults is for the harness of package chaos, whose build has the tag of that name: it stops hosts at points of a
// turn, and switches guarantees off to see whether it would notice. In every other build there is nothing of it.
package faults

// Point is a moment of a turn that changes its actor.
type Point string

// Points of a turn.
const (
	BeforeCommit Point = "before_commit" // it has ended, nothing is written
	AfterCommit  Point = "after_commit"  // the write is acknowledged, nothing is sent
	BeforeReply  Point = "before_reply"  // the events are sent, the reply is not
)
