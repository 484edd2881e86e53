package troupe

import "time"

// ReplayStart is where a replay begins. The zero ReplayStart is the first kept event.
type ReplayStart struct {
	Sequence uint64    // of the first event; 0: any
	Time     time.Time // of the first event at the earliest, by the server's clock; zero: any
}

// FromSequence starts at the event with this sequence, or at the first later one that is kept.
func FromSequence(sequence uint64) ReplayStart { return ReplayStart{Sequence: sequence} }

// FromTime starts at the first event at or after a time, by the server's clock.
func FromTime(t time.Time) ReplayStart { return ReplayStart{Time: t} }

// KeptEvent is a kept event as a replay yields it.
type KeptEvent[P any] struct {
	Position Position
	Time     time.Time // when it was kept, by the server's clock
	Payload  P
}

// Replayed is a [KeptEvent], untyped.
type Replayed struct {
	Delivery
	Time time.Time // when it was kept, by the server's clock
}
