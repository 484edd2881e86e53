// Package faults serves the harness of package chaos, whose builds have the tag chaos. It stops hosts at points of a
// turn, and switches guarantees off to see whether the harness notices. Other builds have none of it.
package faults

// Point is a moment in a turn that changes its actor.
type Point string

// Points of a turn.
const (
	BeforeCommit Point = "before_commit" // the turn has ended, nothing is written
	AfterCommit  Point = "after_commit"  // the write is acknowledged, nothing is sent
	BeforeReply  Point = "before_reply"  // the events are sent, the reply is not
)

// Points on the way of an alarm.
const (
	BeforeAlarm Point = "before_alarm" // what is to be set is decided, it is not sent
	BeforeAck   Point = "before_ack"   // what was due is stored, the ring is not acked
)

// Points of a step of a workflow.
const (
	BeforeStep Point = "before_step" // it is about to run
	AfterStep  Point = "after_step"  // it has run, and what it has given is not stored
)

// Points on the way of a message of a queue.
const (
	BeforeMessageAck Point = "before_message_ack" // it is handled, that is stored, and it is not acked
	BeforeMove       Point = "before_move"        // it is to be moved
	AfterMove        Point = "after_move"         // it stands elsewhere, and is not acked
)
