package troupe

import (
	"iter"
	"strconv"
	"time"
)

// ReplayStart is where a replay begins. The zero ReplayStart is the first kept event. With several fields, it is the first
// event that all of them allow. Everything after the first event follows, also what later lives of the actor have
// broadcast.
type ReplayStart struct {
	Sequence uint64    // of the first event; 0: any
	Time     time.Time // of the first event at the earliest, by the server's clock; zero: any
	Position Position  // of the first event at the earliest; zero: any
}

// FromPosition starts at the event with this position, or at the first later one that is kept. It suits a program that
// goes on where it has stopped: the first event that comes is the one that it has handled last, if that is still kept.
func FromPosition(p Position) ReplayStart { return ReplayStart{Position: p} }

// FromSequence starts at the event with this sequence, or at the first later one that is kept. An actor that is destroyed
// and created again counts from 1 again. The sequence is of the earliest life that has kept events; what later lives have
// broadcast follows in full. [FromPosition] tells the lives apart.
func FromSequence(sequence uint64) ReplayStart { return ReplayStart{Sequence: sequence} }

// FromTime starts at the first event at or after a time, by the server's clock.
func FromTime(t time.Time) ReplayStart { return ReplayStart{Time: t} }

// Place is where an event is in the log of all durable events, as a text that a program can keep. The zero Place is before the first
// event that is kept. [PlaceAt] makes one of a time.
type Place string

// PlaceAt is before the first event that is kept at a time or after it, by the server's clock.
func PlaceAt(t time.Time) Place { return Place("0.0." + strconv.FormatInt(max(t.UnixNano(), 0), 36)) }

// KeptEvent is a kept event.
type KeptEvent[P any] struct {
	Actor    ID
	Position Position
	Place    Place
	Time     time.Time // when it was kept, by the server's clock
	Payload  P
}

// Replayed is a [KeptEvent], untyped.
type Replayed struct {
	Delivery
	Place Place
	Time  time.Time // when it was kept, by the server's clock
}

// yieldKept decodes the payloads of events.
func yieldKept[P any](all iter.Seq2[Replayed, error], yield func(KeptEvent[P], error) bool) {
	for d, err := range all {
		kept := KeptEvent[P]{Actor: d.Actor, Position: d.Position, Place: d.Place, Time: d.Time}
		if err == nil {
			err = d.Decode(&kept.Payload)
		}
		if !yield(kept, err) || err != nil {
			return
		}
	}
}
