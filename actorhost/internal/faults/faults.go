//go:build !chaos

package faults

// The guarantees that a host gives.
const (
	Fencing   = true // writes are compare-and-set, and a host without a lease sends nothing
	Gating    = true // replies and events wait for the write
	Deduping  = true // calls that have run are remembered
	Nesting   = true // and the calls that actions make, whoever runs the action
	Archiving = true // an answer leaves the record when the archive has it
	Asking    = true // and is looked for there

	AlarmFirst = true // an alarm stands before the record has what it rings for
	AlarmCAS   = true // and is not made later before it has rung
	RingAcks   = true // a ring is acked when what was due is stored

	QueueDone = true // messages that were handled are known until they are acked
	QueueAcks = true // a message is acked when it is stored that it was handled
	InOrder   = true // the messages of a queue in order are read from the place of the actor

	ItemsLast = true // items get messages of their own once the record that has them is stored

	Marking = true // an actor is marked before its run loop runs

	Eager = false // every change goes to the journal if it may
)

// At is called at each point of a turn.
func At(Point) {}
