package wire

import "github.com/troupe-go/troupe"

// HeaderInOrder is in messages that a host has moved from a queue that is in order, or that are on their way into one.
const HeaderInOrder = "Troupe-In-Order"

// BellMessage is in the place of the [MessageID] of what comes later for a queue that is in order: no message, but word that
// there are some.
const BellMessage = "bell"

// InOrder is the subject of a queue that is in order.
func (n Namespace) InOrder(id troupe.ID, queue string) string { return n.actor("inorder", id, queue) }

// InOrderType matches the queues of all actors of a type that are in order.
func (n Namespace) InOrderType(actorType string) string { return n.Moved("inorder", actorType) }

// ParseInOrder parses the subject of a queue that is in order, and checks the ID.
func (n Namespace) ParseInOrder(subject string) (id troupe.ID, queue string, ok bool) {
	id, queue, ok = n.parse(subject, ".inorder.")
	return id, queue, ok && troupe.CheckName("queue", queue) == nil
}

// Bell says that there are messages in a queue that is in order.
type Bell struct {
	Sequence uint64 `json:"seq,omitempty"`   // of one of them, in the stream; 0: it is not known
	Stored   int64  `json:"time,omitempty"`  // when that was stored, in nanoseconds since 1970
	Again    bool   `json:"again,omitempty"` // somebody who was told before may have died: begin where the stream does
	Lost     bool   `json:"lost,omitempty"`  // with its host
	Skip     string `json:"skip,omitempty"`  // the ID of a message that is to be a dead letter, if it is the next
}

// Passed is the output of [QueuedAction] for a [Bell]: how far the actor has come.
type Passed struct {
	Sequence uint64   `json:"seq"`            // of the last message that is done with
	Stored   int64    `json:"time"`           // when the newest of those was stored
	Done     []uint64 `json:"done,omitempty"` // sequences of messages that are done with, and may be deleted
	Dead     []Dead   `json:"dead,omitempty"` // those of them that were given up just now
	More     bool     `json:"more,omitempty"` // there are more to be handled now

	// The next message must wait until a time, in milliseconds since 1970: it is for then, or so many attempts have failed.
	Until    int64  `json:"until,omitempty"`
	Attempts int    `json:"attempts,omitempty"`
	Failure  string `json:"error,omitempty"`
}

// Dead says that a message was given up.
type Dead struct {
	ID       string `json:"id"`
	Attempts int    `json:"attempts"`
	Why      string `json:"why"`
}

// Has reports whether a message is done with.
func (p *Passed) Has(sequence uint64, stored int64) bool {
	return sequence <= p.Sequence && stored <= p.Stored
}
