package actorhost

import (
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
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
	if err := troupe.CheckName("event", event); err != nil {
		return err
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
	return c.change(record.Follow{Source: source, Event: event, From: from, Last: last})
}

// UnsubscribeDurable implements troupe.DurableSubscriber. Its entry in the index goes when the next event finds no
// subscription.
func (c *Context) UnsubscribeDurable(source troupe.ID, event string) error {
	return c.change(record.Unfollow{Source: source, Event: event})
}
