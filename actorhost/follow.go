package actorhost

import (
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/errs"
)

// EventHandler is what an actor type does with a durable event that an actor of it subscribes to.
type EventHandler[S any] struct {
	source, event string
	run           eventAction
}

// eventAction decodes an event and handles it.
type eventAction func(s any, c *Context, d troupe.Delivery) error

// OnEvent handles a durable event with a method of the state: see [troupe.DurableEvent.SubscribeDurable].
// troupe.DeliveryOf(c) tells which actor has broadcast it, and its position.
func OnEvent[R troupe.Reference, S, P any](e troupe.DurableEvent[R, P], f func(*S, *Context, P) error) EventHandler[S] {
	var source R
	return EventHandler[S]{source.ActorType(), e.Name(), func(s any, c *Context, d troupe.Delivery) error {
		var payload P
		if err := d.Decode(&payload); err != nil {
			return fmt.Errorf("decoding %s of %s: %w", d.Event, d.Actor, err)
		}
		return f(s.(*S), c, payload)
	}}
}

// topic is an event of an actor type.
type topic struct{ source, event string }

// maxFollows is how many actors one actor may subscribe to for good: all of them are in its record.
const maxFollows = 4096

// follows are an actor's durable subscriptions, by the tokens of whom they are to. It is guarded by the mutex of its gate.
type follows struct {
	to      map[string]*follow
	encoded []byte // nil when to has changed since
	size    int64  // about what they take in the record
}

// follow is what an actor has subscribed to of another, and how far it has come.
type follow struct {
	Cursor uint64            `json:"c"` // all up to here in the log is handled
	Events map[string]*heard `json:"e"`
}

type heard struct {
	From uint64          `json:"f"` // in the log; what came before is not subscribed to
	Last troupe.Position `json:"l"` // that was handled, or came before
}

// followChange is a durable subscription that a turn has made or ended.
type followChange struct {
	source, event string
	from          uint64
	last          troupe.Position
	end           bool
}

// size is about what a subscription takes in the record.
func (c followChange) size() int64 {
	const each = 96
	return int64(len(c.source) + len(c.event) + each)
}

// handled is an event of a durable subscription that a turn was for.
type handled struct {
	source, event string
	sequence      uint64 // in the log
	position      troupe.Position
}

// change takes what a turn has done to the subscriptions.
func (f *follows) change(changes []followChange, done *handled) {
	for _, c := range changes {
		f.encoded = nil
		if c.end {
			f.end(c)
			continue
		}
		if f.to == nil {
			f.to = make(map[string]*follow, 1)
		}
		if f.to[c.source] == nil {
			f.to[c.source] = &follow{Cursor: c.from, Events: make(map[string]*heard, 1)}
		}
		if f.to[c.source].Events[c.event] == nil {
			f.to[c.source].Events[c.event] = &heard{From: c.from, Last: c.last}
			f.size += c.size()
		}
	}
	if done == nil || f.to[done.source] == nil {
		return
	}
	f.encoded = nil
	f.to[done.source].Cursor = done.sequence
	if h := f.to[done.source].Events[done.event]; h != nil {
		h.Last = done.position
	}
}

func (f *follows) end(c followChange) {
	followed := f.to[c.source]
	if followed == nil || followed.Events[c.event] == nil {
		return
	}
	f.size -= c.size()
	if delete(followed.Events, c.event); len(followed.Events) == 0 {
		delete(f.to, c.source)
	}
}

// cursor is how far the actor has come with the events of another, and whether it subscribes to any.
func (f *follows) cursor(source string) (uint64, bool) {
	followed := f.to[source]
	if followed == nil {
		return 0, false
	}
	return followed.Cursor, true
}

// heard is what the actor has heard of an event of another, and whether it subscribes to it.
func (f *follows) heard(source, event string) (heard, bool) {
	followed := f.to[source]
	if followed == nil || followed.Events[event] == nil {
		return heard{}, false
	}
	return *followed.Events[event], true
}

func (f *follows) encode() (err error) {
	if f.encoded == nil && len(f.to) > 0 {
		f.encoded, err = codec.MsgPack.Append(nil, f.to)
	}
	return err
}

func (f *follows) restore(encoded []byte) error {
	*f = follows{}
	if len(encoded) == 0 {
		return nil
	}
	f.encoded = encoded
	err := codec.MsgPack.Unmarshal(encoded, &f.to)
	for source, followed := range f.to {
		for event := range followed.Events {
			f.size += followChange{source: source, event: event}.size()
		}
	}
	return err
}

// SubscribeDurable implements troupe.DurableSubscriber: see [troupe.DurableEvent.SubscribeDurable]. It is an error when
// the actor's type has no handler for the event, and when the actor subscribes to 4,096 others already.
func (c *Context) SubscribeDurable(source troupe.ID, event string) error {
	h := c.a.host
	if c.a.kind.events[topic{source.Type(), event}] == nil {
		return errs.New(troupe.CodeBadInput, "the actor type %q has no handler for %s of %q: see actorhost.OnEvent",
			c.Type(), event, source.Type())
	}
	if n := c.a.gate.followed(); n >= maxFollows {
		return errs.New(troupe.CodeTooLarge, "%s subscribes to %d actors already", c.a.id, n)
	}
	log, index, err := h.log.Open(c)
	if err != nil {
		return errs.Unavailable("%v", err)
	}
	// The index first: an event that comes after the last one was looked for finds the subscriber there.
	if err := index.Add(c, source, event, c.a.id); err != nil {
		return errs.Unavailable("%v", err)
	}
	last, from, err := log.Last(c, source, event)
	if err != nil {
		return errs.Unavailable("%v", err)
	}
	return c.follow(followChange{source: source.Tokens(), event: event, from: from, last: last})
}

// UnsubscribeDurable implements troupe.DurableSubscriber. Its entry in the index goes when the next event finds no
// subscription.
func (c *Context) UnsubscribeDurable(source troupe.ID, event string) error {
	return c.follow(followChange{source: source.Tokens(), event: event, end: true})
}

func (c *Context) follow(change followChange) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return fmt.Errorf("subscribing to %s: %w", change.event, errTurnOver)
	}
	does := c.does()
	does.follows = append(does.follows, change)
	return nil
}
