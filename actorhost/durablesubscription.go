package actorhost

import (
	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
)

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
	if n := c.a.countFollows(); n >= maxFollows {
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
	return c.addChange(record.Follow{Source: source, Event: event, From: from, Last: last})
}

// UnsubscribeDurable implements troupe.DurableSubscriber. Its entry in the index goes when the next event finds no
// subscription.
func (c *Context) UnsubscribeDurable(source troupe.ID, event string) error {
	return c.addChange(record.Unfollow{Source: source, Event: event})
}

// cursor is how far the actor has come with the durable events of another, and whether it subscribes to any.
func (a *activation) cursor(source string) (cursor uint64, ok bool) {
	a.gate.Read(func(p *record.Parts) { cursor, ok = p.Follows().Cursor(source) })
	return cursor, ok
}

// subscription is what the actor has heard by a durable subscription, and whether it has that.
func (a *activation) subscription(source, event string) (heard record.Heard, ok bool) {
	a.gate.Read(func(p *record.Parts) { heard, ok = p.Follows().Heard(source, event) })
	return heard, ok
}

// countFollows is how many actors the actor subscribes to for good.
func (a *activation) countFollows() (n int) {
	a.gate.Read(func(p *record.Parts) { n = p.Follows().Len() })
	return n
}
