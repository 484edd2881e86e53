package record

import (
	"errors"
	"fmt"
	"slices"

	"github.com/troupe-go/troupe/codec"
)

var queuesPart = kind{name: "queues", make: func() Part { return new(Queues) }, feature: "queues"}

// Queues holds the messages of queues that the actor has handled, or given up, and that may come again.
type Queues struct {
	done []DoneMessage
	size int64
}

// DoneMessage is a message that was handled.
type DoneMessage struct {
	ID       string `json:"i"` // see [wire.Queued.Key]
	Sequence uint64 `json:"s"` // in its stream
	Ripe     bool   `json:"r"` // which is that of those that have waited
	Dead     string `json:"d"` // why it was given up; empty: it was not
}

// MaxDone is how many messages an actor keeps in mind that may come again.
const MaxDone = 256

// maxMessageID is how long the ID of a message may be.
const maxMessageID = 80

// Queues returns the messages that may come again, or nil.
func (p *Parts) Queues() *Queues { return get[*Queues](p, &queuesPart) }

// Done are the messages that were handled, the oldest first. They must not be changed.
func (q *Queues) Done() []DoneMessage {
	if q == nil {
		return nil
	}
	return q.done
}

// Find returns a message that was handled, or nil.
func (q *Queues) Find(id string) *DoneMessage {
	if q == nil {
		return nil
	}
	if i := slices.IndexFunc(q.done, func(one DoneMessage) bool { return one.ID == id }); i >= 0 {
		return &q.done[i]
	}
	return nil
}

func (d DoneMessage) size() int64 { return 1 + 2 + textSize(d.ID) + 2 + 9 + 3 + 2 + textSize(d.Dead) }

func (q *Queues) remove(id string) {
	q.done = slices.DeleteFunc(q.done, func(one DoneMessage) bool {
		if one.ID == id {
			q.size -= one.size()
		}
		return one.ID == id
	})
}

// Size implements [Part].
func (q *Queues) Size() int64 {
	if len(q.done) == 0 {
		return 0
	}
	return 2*maxHead + 6 + q.size
}

// Append implements [Part].
func (q *Queues) Append(b []byte) []byte {
	b = codec.AppendMap(b, 1)
	b = codec.AppendArray(codec.AppendString(b, "done"), len(q.done))
	for _, one := range q.done {
		fields := 2
		for _, there := range [...]bool{one.Ripe, one.Dead != ""} {
			if there {
				fields++
			}
		}
		b = codec.AppendMap(b, fields)
		b = codec.AppendString(codec.AppendString(b, "i"), one.ID)
		b = codec.AppendUint(codec.AppendString(b, "s"), one.Sequence)
		if one.Ripe {
			b = codec.AppendTrue(codec.AppendString(b, "r"))
		}
		if one.Dead != "" {
			b = codec.AppendString(codec.AppendString(b, "d"), one.Dead)
		}
	}
	return b
}

// Decode implements [Part].
func (q *Queues) Decode(value []byte) error {
	var decoded struct {
		Done []DoneMessage `json:"done"`
	}
	if err := codec.MsgPack.Unmarshal(value, &decoded); err != nil {
		return err
	}
	if len(decoded.Done) > MaxDone {
		return errors.New("more messages were handled than an actor keeps in mind")
	}
	for _, one := range decoded.Done {
		if one.ID == "" || len(one.ID) > maxMessageID || q.Find(one.ID) != nil {
			return fmt.Errorf("a message has the id %.40q", one.ID)
		}
		q.done = append(q.done, one)
		q.size += one.size()
	}
	return nil
}

// HandledMessage is the change of a turn that handles a message.
type HandledMessage struct{ DoneMessage }

// Size implements [Change].
func (c HandledMessage) Size(*Parts) int64 { return c.size() }

// Shared implements [Change].
func (HandledMessage) Shared() bool { return false }

// Apply implements [Change].
func (c HandledMessage) Apply(p *Parts) {
	q := own[*Queues](p, &queuesPart)
	q.remove(c.ID)
	q.done = append(q.done, c.DoneMessage)
	q.size += c.size()
}

// AckedMessage is the change that a message does not come again.
type AckedMessage struct{ ID string }

// Size implements [Change].
func (AckedMessage) Size(*Parts) int64 { return 0 }

// Shared implements [Change].
func (AckedMessage) Shared() bool { return false }

// Apply implements [Change].
func (c AckedMessage) Apply(p *Parts) {
	if q := p.Queues(); q != nil {
		q.remove(c.ID)
	}
}
