package wire

import (
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
)

// Position is a [troupe.Position] in its form on the wire and in records, which is a map.
type Position struct {
	Epoch    uint64 `json:"epoch"`
	Sequence uint64 `json:"sequence"`
}

// Place is the position of an event and the epoch of the event before it. With the latter, the first event of an actor
// that was destroyed and created again is not taken for the next one of its predecessor.
type Place struct {
	troupe.Position
	Previous uint64 // the epoch of the event with the sequence before; zero if there was none
}

// After is the place of the event that an actor in this epoch broadcasts after the one at last.
func After(last troupe.Position, epoch uint64) Place {
	return Place{troupe.Position{Epoch: epoch, Sequence: last.Sequence + 1}, last.Epoch}
}

// Follows reports whether no event is missing between last and p.
func (p Place) Follows(last troupe.Position) bool {
	return p.Sequence == last.Sequence+1 && (p.Previous == last.Epoch || last.Sequence == 0)
}

// String formats a place for [HeaderEvent]: EPOCH.SEQUENCE, and .PREVIOUS if that is another epoch.
func (p Place) String() string {
	text := strconv.AppendUint(make([]byte, 0, 32), p.Epoch, 10)
	text = strconv.AppendUint(append(text, '.'), p.Sequence, 10)
	if p.Previous != 0 && p.Previous != p.Epoch {
		text = strconv.AppendUint(append(text, '.'), p.Previous, 10)
	}
	return string(text)
}

// ParsePlace reads the place of an event from its headers. It is zero if there is none or a malformed one.
func ParsePlace(header nats.Header) Place {
	epoch, rest, _ := strings.Cut(FirstHeader(header, HeaderEvent), ".")
	sequence, previous, other := strings.Cut(rest, ".")
	p := Place{Position: troupe.Position{Epoch: parseCount(epoch), Sequence: parseCount(sequence)}}
	if p.Sequence > 1 {
		p.Previous = p.Epoch
	}
	if other {
		p.Previous = parseCount(previous)
	}
	if p.Epoch == 0 || p.Sequence == 0 || other && (p.Previous == 0 || p.Previous >= p.Epoch || p.Sequence == 1) {
		return Place{}
	}
	return p
}

// parseCount is zero if text is not a number.
func parseCount(text string) uint64 {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
