package record

import (
	"fmt"

	"github.com/troupe-go/troupe/codec"
)

var inOrderPart = kind{name: "inorder", make: func() Part { return new(InOrder) }, feature: "inorder", lasts: true}

// InOrder holds how far the actor has come with its queues that are in order. It outlives the actor: what that has handled may not be
// deleted yet, and is not for the next one.
type InOrder struct {
	places map[string]Place // by the names of the queues
	size   int64
}

// Place is how far the actor has come with a queue. Up to there all messages are done with.
type Place struct {
	Sequence uint64 `json:"s"` // of the last of them, in the stream
	Stored   int64  `json:"t"` // when the newest of them was stored, in nanoseconds since 1970
	Head     *Head  `json:"h"` // the next, if it has failed
}

// Head is the message that holds up the others of its queue.
type Head struct {
	Sequence uint64 `json:"s"`
	Stored   int64  `json:"t"`
	Attempts int    `json:"a"` // that have failed
	Until    int64  `json:"u"` // when it is tried again, in milliseconds since 1970
	Failure  string `json:"e"`
	Dead     bool   `json:"d"` // it is given up, and perhaps not among the dead letters yet
}

// Has reports whether a message is done with. Sequences count for one stream: in one that was put back, or made anew, what is new
// was stored later.
func (p *Place) Has(sequence uint64, stored int64) bool {
	return sequence <= p.Sequence && stored <= p.Stored
}

// Is reports whether the message is this one.
func (h *Head) Is(sequence uint64, stored int64) bool {
	return h != nil && h.Sequence == sequence && h.Stored == stored
}

// InOrder returns how far the actor has come with its queues that are in order, or nil.
func (p *Parts) InOrder() *InOrder { return get[*InOrder](p, &inOrderPart) }

// Place returns how far the actor has come with a queue. The head must not be changed.
func (q *InOrder) Place(queue string) Place {
	if q == nil {
		return Place{}
	}
	return q.places[queue]
}

// placeSize is the largest size of a place, in bytes.
func placeSize(queue string, p *Place) int64 {
	size := textSize(queue) + 1 + 2*(2+9)
	if p.Head != nil {
		size += 2 + 1 + 4*(2+9) + 2 + textSize(p.Head.Failure) + 3
	}
	return size
}

func (q *InOrder) set(queue string, p Place) {
	if before, ok := q.places[queue]; ok {
		q.size -= placeSize(queue, &before)
	}
	if q.places == nil {
		q.places = make(map[string]Place, 1)
	}
	q.places[queue] = p
	q.size += placeSize(queue, &p)
}

// Size implements [Part].
func (q *InOrder) Size() int64 {
	if len(q.places) == 0 {
		return 0
	}
	return maxHead + q.size
}

// Append implements [Part].
func (q *InOrder) Append(b []byte) []byte {
	b = codec.AppendMap(b, len(q.places))
	for queue, p := range q.places {
		fields := 2
		if p.Head != nil {
			fields++
		}
		b = codec.AppendMap(codec.AppendString(b, queue), fields)
		b = appendMessage(b, p.Sequence, p.Stored)
		if p.Head != nil {
			b = p.Head.append(codec.AppendString(b, "h"))
		}
	}
	return b
}

func (h *Head) append(b []byte) []byte {
	fields := 5
	if h.Dead {
		fields++
	}
	b = appendMessage(codec.AppendMap(b, fields), h.Sequence, h.Stored)
	b = codec.AppendUint(codec.AppendString(b, "a"), uint64(h.Attempts))
	b = codec.AppendUint(codec.AppendString(b, "u"), uint64(h.Until))
	b = codec.AppendString(codec.AppendString(b, "e"), h.Failure)
	if h.Dead {
		b = codec.AppendTrue(codec.AppendString(b, "d"))
	}
	return b
}

func appendMessage(b []byte, sequence uint64, stored int64) []byte {
	b = codec.AppendUint(codec.AppendString(b, "s"), sequence)
	return codec.AppendUint(codec.AppendString(b, "t"), uint64(stored))
}

// maxFailure is how many bytes of an error a record has.
const maxFailure = 1 << 10

// Decode implements [Part].
func (q *InOrder) Decode(value []byte) error {
	var decoded map[string]Place
	if err := codec.MsgPack.Unmarshal(value, &decoded); err != nil {
		return err
	}
	for queue, p := range decoded {
		if err := checkName("queue", queue); err != nil {
			return err
		}
		if p.Sequence > maxNumber || p.Stored < 0 {
			return fmt.Errorf("%.40q is handled up to %d, of %d", queue, p.Sequence, p.Stored)
		}
		if h := p.Head; h != nil &&
			(h.Sequence > maxNumber || h.Stored < 0 || h.Attempts < 0 || h.Until < 0 || h.Until > maxTime || len(h.Failure) > maxFailure) {
			return fmt.Errorf("%.40q is held up by %d, of %d, until %d after %d attempts", queue, h.Sequence, h.Stored, h.Until, h.Attempts)
		}
		q.set(queue, p)
	}
	return nil
}

// PassedMessage is the change that a message of a queue in order is done with, and all before it.
type PassedMessage struct {
	Queue    string
	Sequence uint64
	Stored   int64
}

// Size implements [Change].
func (c PassedMessage) Size(p *Parts) int64 {
	if _, there := p.InOrder().placeOf(c.Queue); there {
		return 0
	}
	return placeSize(c.Queue, new(Place))
}

func (q *InOrder) placeOf(queue string) (p Place, ok bool) {
	if q != nil {
		p, ok = q.places[queue]
	}
	return p, ok
}

// Shared implements [Change].
func (PassedMessage) Shared() bool { return false }

// Apply implements [Change].
func (c PassedMessage) Apply(p *Parts) {
	q := own[*InOrder](p, &inOrderPart)
	q.set(c.Queue, Place{Sequence: c.Sequence, Stored: max(c.Stored, q.Place(c.Queue).Stored)})
}

// FailedMessage is the change that the next message of a queue in order has failed.
type FailedMessage struct {
	Queue string
	Head
}

// Size implements [Change].
func (c FailedMessage) Size(*Parts) int64 { return placeSize(c.Queue, &Place{Head: &c.Head}) }

// Shared implements [Change].
func (FailedMessage) Shared() bool { return false }

// Apply implements [Change].
func (c FailedMessage) Apply(p *Parts) {
	q := own[*InOrder](p, &inOrderPart)
	place := q.Place(c.Queue)
	place.Head = &c.Head
	q.set(c.Queue, place)
}
