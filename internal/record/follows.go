package record

import (
	"errors"
	"fmt"
	"iter"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

var followsPart = kind{name: "follows", make: func() Part { return new(Follows) }, inBytes: true}

// Follows holds an actor's durable subscriptions, by the tokens of the actors that they are to.
type Follows struct {
	to      map[string]*follow
	size    int64
	encoded []byte // nil if to has changed since
}

// follow is an actor's subscription to events of another actor, and its progress.
type follow struct {
	Cursor uint64            `json:"c"` // everything in the log up to here is handled, if it is still the same log
	Events map[string]*Heard `json:"e"`
}

// Heard is the progress with one event of another actor.
type Heard struct {
	Last wire.Position `json:"l"` // the last event that was handled, or the last before the subscription
}

// Follows returns the actor's durable subscriptions, or nil.
func (p *Parts) Follows() *Follows { return get[*Follows](p, &followsPart) }

// Len is the number of actors that the actor subscribes to.
func (f *Follows) Len() int {
	if f == nil {
		return 0
	}
	return len(f.to)
}

// Cursor returns the sequence up to which the actor has handled the events of another, and whether it subscribes to
// any.
func (f *Follows) Cursor(source string) (uint64, bool) {
	if f == nil || f.to[source] == nil {
		return 0, false
	}
	return f.to[source].Cursor, true
}

// Heard returns the progress with an event of another actor, and whether the actor subscribes to it.
func (f *Follows) Heard(source, event string) (Heard, bool) {
	if f == nil || f.to[source] == nil || f.to[source].Events[event] == nil {
		return Heard{}, false
	}
	return *f.to[source].Events[event], true
}

// Followed is a durable subscription.
type Followed struct {
	Source troupe.ID
	Event  string
	Last   troupe.Position // as in [Heard]
}

// All yields the durable subscriptions.
func (f *Follows) All() iter.Seq[Followed] {
	return func(yield func(Followed) bool) {
		if f == nil {
			return
		}
		for source, followed := range f.to {
			id, err := troupe.ParseID(source)
			for event, heard := range followed.Events {
				if err == nil && !yield(Followed{id, event, troupe.Position(heard.Last)}) {
					return
				}
			}
		}
	}
}

// sourceSize is the largest size of a source without its events, heardSize that of one of its events, in bytes.
func sourceSize(source string) int64 { return textSize(source) + 1 + (2 + 9) + (2 + maxHead) }

func heardSize(event string) int64 { return textSize(event) + 1 + (2 + positionSize) }

// Size implements [Part].
func (f *Follows) Size() int64 {
	if len(f.to) == 0 {
		return 0
	}
	return maxHead + f.size
}

// Append implements [Part].
func (f *Follows) Append(b []byte) []byte {
	if f.encoded == nil { // most changes are to other parts
		f.encoded = f.append(make([]byte, 0, f.Size()))
	}
	return append(b, f.encoded...)
}

func (f *Follows) append(b []byte) []byte {
	b = codec.AppendMap(b, len(f.to))
	for source, followed := range f.to {
		b = codec.AppendMap(codec.AppendString(b, source), 2)
		b = codec.AppendUint(codec.AppendString(b, "c"), followed.Cursor)
		b = codec.AppendMap(codec.AppendString(b, "e"), len(followed.Events))
		for event, heard := range followed.Events {
			b = codec.AppendMap(codec.AppendString(b, event), 1)
			b = appendPosition(codec.AppendString(b, "l"), heard.Last)
		}
	}
	return b
}

// Decode implements [Part].
func (f *Follows) Decode(value []byte) error {
	if err := codec.MsgPack.Unmarshal(value, &f.to); err != nil {
		return err
	}
	for source, followed := range f.to {
		if _, err := troupe.ParseID(source); err != nil {
			return fmt.Errorf("%.40q is no actor", source)
		}
		if followed == nil || len(followed.Events) == 0 {
			return fmt.Errorf("%.40q is followed without an event", source)
		}
		if followed.Cursor > maxNumber {
			return fmt.Errorf("%.40q is followed up to %d", source, followed.Cursor)
		}
		f.size += sourceSize(source)
		for event, heard := range followed.Events {
			if err := checkHeard(event, heard); err != nil {
				return fmt.Errorf("%.40q: %w", source, err)
			}
			f.size += heardSize(event)
		}
	}
	f.encoded = value
	return nil
}

func checkHeard(event string, heard *Heard) error {
	if err := checkName("event", event); err != nil {
		return err
	}
	switch {
	case heard == nil:
		return errors.New("nothing is known of " + event)
	case heard.Last == (wire.Position{}): // there was no event
		return nil
	}
	return checkPosition(heard.Last)
}

// Follow is the change of a turn that adds a durable subscription.
type Follow struct {
	Source troupe.ID
	Event  string
	From   uint64 // in the log
	Last   troupe.Position
}

// Size implements [Change].
func (c Follow) Size(p *Parts) int64 {
	if _, there := p.Follows().Heard(c.Source.Tokens(), c.Event); there {
		return 0
	}
	return sourceSize(c.Source.Tokens()) + heardSize(c.Event)
}

// Shared implements [Change]: an index entry is removed if the subscriber's record does not have the subscription.
func (Follow) Shared() bool { return true }

// Apply implements [Change]. An existing subscription stays as it is.
func (c Follow) Apply(p *Parts) {
	f, source := own[*Follows](p, &followsPart), c.Source.Tokens()
	f.encoded = nil
	if f.to == nil {
		f.to = make(map[string]*follow, 1)
	}
	followed := f.to[source]
	if followed == nil {
		followed = &follow{Cursor: c.From, Events: make(map[string]*Heard, 1)}
		f.to[source] = followed
		f.size += sourceSize(source)
	}
	if followed.Events[c.Event] == nil {
		followed.Events[c.Event] = &Heard{Last: wire.Position(c.Last)}
		f.size += heardSize(c.Event)
	}
}

// Unfollow is the change of a turn that ends a durable subscription.
type Unfollow struct {
	Source troupe.ID
	Event  string
}

// Size implements [Change].
func (Unfollow) Size(*Parts) int64 { return 0 }

// Shared implements [Change].
func (Unfollow) Shared() bool { return true }

// Apply implements [Change].
func (c Unfollow) Apply(p *Parts) {
	f, source := p.Follows(), c.Source.Tokens()
	if _, there := f.Heard(source, c.Event); !there {
		return
	}
	f.encoded = nil
	followed := f.to[source]
	f.size -= heardSize(c.Event)
	if delete(followed.Events, c.Event); len(followed.Events) == 0 {
		delete(f.to, source)
		f.size -= sourceSize(source)
	}
}

// Handled is the change of a turn that has handled an event of a durable subscription.
type Handled struct {
	Source   string // the tokens of the actor
	Event    string
	Sequence uint64 // in the log
	Position troupe.Position
}

// Size implements [Change].
func (Handled) Size(*Parts) int64 { return 0 }

// Shared implements [Change].
func (Handled) Shared() bool { return true }

// Apply implements [Change].
func (c Handled) Apply(p *Parts) {
	f := p.Follows()
	if _, follows := f.Cursor(c.Source); !follows {
		return
	}
	f.encoded = nil
	f.to[c.Source].Cursor = c.Sequence
	if h := f.to[c.Source].Events[c.Event]; h != nil {
		h.Last = wire.Position(c.Position)
	}
}
