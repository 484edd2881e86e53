package troupe

import "time"

// ReplayStart is where a replay begins. The zero ReplayStart is the first event that is kept.
type ReplayStart struct {
	Sequence uint64    // not before this one
	Time     time.Time // not before it, by the server's clock
}

// FromSequence starts at the event with this sequence, or the first later one that is kept.
func FromSequence(sequence uint64) ReplayStart { return ReplayStart{Sequence: sequence} }

// FromTime starts at the first event at or after a time, by the server's clock.
func FromTime(t time.Time) ReplayStart { return ReplayStart{Time: t} }

// KeptEvent is a durable event as it was kept.
type KeptEvent[P any] struct {
	Position Position
	Time     time.Time // when it was, by the server's clock
	Payload  P
}

// Replayed is an event that was kept.
type Replayed struct {
	Delivery
	Time time.Time // when it was, by the server's clock
}
