package actorhost

import (
	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
)

// maxFollows limits how many actors one actor subscribes to durably: its record holds all of them.
const maxFollows = 4096

// SubscribeDurable implements troupe.DurableSubscriber: see [troupe.DurableEvent.SubscribeDurable]. It fails if the
// actor's type has no handler for the event, if the actor already subscribes to 4,096 others, or if its key and that of the
// source are together longer than a subject of NATS may be. Subscriptions that the running action has ended still count.
func (c *Context) SubscribeDurable(source troupe.ID, event string) error {
	if err := c.refusedTo("subscribe to", event); err != nil {
		return err
	}
	h := c.a.host
	if c.a.kind.events[topic{source.Type(), event}] == nil {
		return errs.New(troupe.CodeBadInput, "the actor type %q has no handler for %s of %q: see actorhost.OnEvent",
			c.Type(), event, source.Type())
	}
	if err := troupe.CheckName("event", event); err != nil {
		return err
	}
	if err := c.reserveFollow(source.Tokens()); err != nil {
		return err
	}
	log, index, err := h.log.Open(c)
	if err != nil {
		return errs.Unavailable("%v", err)
	}
	// First the index: then an event that comes after the Last below finds the subscriber there.
	if err := index.Add(c, source, event, c.a.id); errs.Find(err) != nil {
		return err
	} else if err != nil {
		return errs.Unavailable("%v", err)
	}
	last, from, err := log.Last(c, source, event)
	if err != nil {
		return errs.Unavailable("%v", err)
	}
	return c.addChange(record.Follow{Source: source, Event: event, From: from, Last: last})
}

// UnsubscribeDurable implements troupe.DurableSubscriber. The index keeps its entry until the next event finds no
// subscription.
func (c *Context) UnsubscribeDurable(source troupe.ID, event string) error {
	if err := c.refusedTo("unsubscribe from", event); err != nil {
		return err
	}
	return c.addChange(record.Unfollow{Source: source, Event: event})
}

// cursor returns how far the actor has read the durable events of source. It is not ok if the actor subscribes to none
// of them.
func (a *activation) cursor(source string) (cursor uint64, ok bool) {
	a.gate.Read(func(p *record.Parts) { cursor, ok = p.Follows().Cursor(source) })
	return cursor, ok
}

// subscription returns the actor's durable subscription to an event of source, if there is one.
func (a *activation) subscription(source, event string) (heard record.Heard, ok bool) {
	a.gate.Read(func(p *record.Parts) { heard, ok = p.Follows().Heard(source, event) })
	return heard, ok
}

// reserveFollow makes sure that the actor may subscribe to events of source, beside those that the turn has subscribed to
// already.
func (c *Context) reserveFollow(source string) error {
	stored, follows := 0, false
	c.a.gate.Read(func(p *record.Parts) {
		stored = p.Follows().Len()
		_, follows = p.Follows().Cursor(source)
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return errTurnOver
	}
	effects := c.effectsToFill()
	if follows || effects.follows[source] {
		return nil
	}
	if n := stored + len(effects.follows); n >= maxFollows {
		return errs.New(troupe.CodeTooLarge, "%s subscribes to %d actors already", c.a.id, n)
	}
	if effects.follows == nil {
		effects.follows = make(map[string]bool, 1)
	}
	effects.follows[source] = true
	return nil
}
