package events

import (
	"context"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

// Channel is what the subscriptions of one connection share: one queue, so that all is handled in one order, and the events
// that the actor sends to the connection alone.
type Channel struct {
	subs  *Subs
	inbox string // of all connections; what is sent to one arrives at INBOX.ID.EVENT
	id    string
	actor troupe.ID
	queue *eventQueue
	last  map[string]troupe.Position // event that was delivered, by name; only for Deliver and Missed

	mu            sync.Mutex
	closed        error // why; nil before
	subscriptions map[*subscription]struct{}
}

// NewChannel returns the channel of a connection with an actor. Events that are sent to the connection alone arrive at
// INBOX.ID.EVENT, and must be given to [Channel.Deliver].
func (s *Subs) NewChannel(inbox, id string, actor troupe.ID) *Channel {
	return &Channel{
		subs: s, inbox: inbox, id: id, actor: actor, queue: s.newQueue(),
		last: make(map[string]troupe.Position), subscriptions: make(map[*subscription]struct{}),
	}
}

// Listen subscribes to an event of the actor.
func (c *Channel) Listen(ctx context.Context, l troupe.ListenRequest) (troupe.Subscription, error) {
	s := &subscription{request: l, queue: c.queue, connection: c.id}
	sub, err := c.subs.listen(ctx, s, func() { c.drop(s) })
	if err != nil {
		return nil, err
	}
	if err := c.keep(s); err != nil {
		_ = s.Unsubscribe() // never fails
		return nil, unmade(ctx, l, err)
	}
	return sub, nil
}

// keep remembers a subscription, unless it or the channel has ended.
func (c *Channel) keep(s *subscription) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed == nil && !s.ended.Load() {
		c.subscriptions[s] = struct{}{}
	}
	return c.closed
}

func (c *Channel) drop(s *subscription) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.subscriptions, s)
}

// Then calls f after the events that have arrived are handled.
func (c *Channel) Then(f func()) { c.queue.then(f) }

// Deliver takes an event that was sent to the connection alone. One goroutine calls Deliver and Missed.
func (c *Channel) Deliver(event string, msg *nats.Msg) {
	e := newArrival(msg)
	if !e.place.IsZero() {
		c.last[event] = e.Position
	}
	e.Actor, e.Event, e.direct = c.actor, event, true
	c.take(event, e)
}

// Missed tells of events that were sent to the connection alone and have not arrived. Sent has the last one of each name.
func (c *Channel) Missed(sent map[string]wire.Position) {
	for event, found := range sent {
		last := troupe.Position(found)
		if c.last[event].Before(last) {
			c.last[event] = last
			c.take(event, &arrival{subject: c.inbox + "." + c.id + "." + event, mark: &mark{last: last}})
		}
	}
}

// take gives an event, or a mark, to those who listen to it.
func (c *Channel) take(event string, e *arrival) {
	c.mu.Lock()
	var to []*subscription
	for s := range c.subscriptions {
		if s.request.Event == event {
			to = append(to, s)
		}
	}
	c.mu.Unlock()
	for _, s := range to {
		s.take(e)
	}
}

// Close ends the subscriptions. Later ones fail with err.
func (c *Channel) Close(err error) {
	for s := range c.end(err) {
		s.end(err)
	}
}

// Finish ends the subscriptions once what has arrived is handled. Later ones fail with err.
func (c *Channel) Finish(err error) {
	for s := range c.end(err) {
		s.finish(err)
	}
}

func (c *Channel) end(err error) (all map[*subscription]struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all = c.subscriptions
	c.closed, c.subscriptions = err, nil
	return all
}
