package actorhost

import (
	"context"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/origin"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/wire"
)

// Context is what an action knows of its turn. As a context.Context it is done when the time of the call runs out or
// the host's grace ends; as a troupe.Caller it makes calls that take no longer than what is left of that time and that
// fail at once when they come back to an actor that waits for them; as a troupe.Broadcaster it publishes the actor's
// events.
//
// Calls to other actors leave before this action's state is stored, but not before that of earlier ones is. Goroutines
// that an action starts may use the Context until the action returns.
type Context struct {
	a    *activation
	turn turn

	mu      sync.Mutex
	ended   bool
	timed   *timedContext // nil until somebody asks for it: most actions need no timer
	effects *effects      // nil as long as there are none, as in most turns
}

// timedContext is a Context that is done when the time is over.
type timedContext struct {
	context.Context //nolint:containedctx // it is one itself
	cancel          context.CancelFunc
}

// effectsToFill returns the effects, to be added to. The caller holds c.mu.
func (c *Context) effectsToFill() *effects {
	if c.effects == nil {
		c.effects = new(effects)
	}
	return c.effects
}

// addChange notes a change of the record, which is made if the turn succeeds.
func (c *Context) addChange(change record.Change) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return errTurnOver
	}
	does := c.effectsToFill()
	does.changes = append(does.changes, change)
	return nil
}

var (
	_ troupe.Caller      = (*Context)(nil)
	_ troupe.Broadcaster = (*Context)(nil)

	_ troupe.DurableSubscriber = (*Context)(nil)
)

type contextKey struct{}

// FromContext returns the Context of the turn that ctx belongs to, such as that of a handler of events.
func FromContext(ctx context.Context) (*Context, bool) {
	c, ok := ctx.Value(contextKey{}).(*Context)
	return c, ok
}

// Deadline implements context.Context: it is the sooner of the caller's and that of the actor type's ActionTimeout.
func (c *Context) Deadline() (time.Time, bool) { return c.a.host.clock.Time(c.turn.deadline), true }

// Done implements context.Context.
func (c *Context) Done() <-chan struct{} { return c.context().Done() }

// Err implements context.Context.
func (c *Context) Err() error { return c.context().Err() }

// Value implements context.Context.
func (c *Context) Value(key any) any {
	if key == (contextKey{}) {
		return c
	}
	c.mu.Lock()
	timed := c.timed
	c.mu.Unlock()
	if timed == nil {
		return c.values().Value(key)
	}
	return timed.Value(key) // through which package context finds what it can cancel without a goroutine
}

func (c *Context) context() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timed == nil {
		until, _ := c.Deadline()
		ctx, cancel := context.WithDeadline(c.values(), until)
		if c.timed = (&timedContext{ctx, cancel}); c.ended {
			cancel()
		}
	}
	return c.timed.Context
}

// values is what the Context has besides its deadline.
func (c *Context) values() context.Context {
	if c.turn.delivery == nil {
		return c.a.host.ctx
	}
	return troupe.WithDelivery(c.a.host.ctx, *c.turn.delivery)
}

// Type is the name of the actor's type.
func (c *Context) Type() string { return c.a.id.Type() }

// Key is the actor's key, part by part.
func (c *Context) Key() []string { return c.a.id.Key() }

// ID is the actor.
func (c *Context) ID() troupe.ID { return c.a.id }

// Host is the id of the host that the actor is awake on.
func (c *Context) Host() string { return c.a.session.ID }

// Epoch numbers the actor's activations: it grows with each, also across hosts, destruction and re-creation.
func (c *Context) Epoch() uint64 { return c.a.epoch }

// RequestID names the call: by the id that the caller has given it, or else by one that our clients give to every call.
// It is the same when the call is sent again, also to another host, so what is called with an id made from it happens
// once even if this host dies in the middle of the action:
//
//	paid, err := Pay.Call(troupe.WithRequestID(c, c.RequestID()+"/pay"), payment, amount)
//
// It is empty for hooks, for handlers of events and for callers without ids.
func (c *Context) RequestID() string { return c.turn.id.String() }

// Logger is the host's logger with the actor and the request in its fields.
func (c *Context) Logger() *slog.Logger { return c.a.logger(c.turn.id.String()) }

// Actor refers to an actor by the name of its type: see troupe.Actor.
func (c *Context) Actor(actorType string, key ...string) troupe.Handle {
	return troupe.Actor(c, actorType, key...)
}

// Destroy ends the actor once the running action has succeeded: the on-destroy hook runs, its record is deleted for
// good, and the next call through troupe.GetOrCreate makes a new one.
func (c *Context) Destroy() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.effectsToFill().destroy = true
}

// Invoke makes a call on behalf of the actor: see [troupe.Action.Call].
func (c *Context) Invoke(ctx context.Context, call troupe.Invocation) error {
	// A reference may be older than the turn it is used in, which is then known by ctx.
	now := c
	if running, ok := FromContext(ctx); ok && running.a.id == c.a.id {
		now = running
	}
	h := c.a.host
	if now.hasEnded() {
		return h.client.Invoke(origin.With(ctx, origin.Origin{Host: &h.origin}), call)
	}
	until, _ := now.Deadline()
	if deadline, ok := ctx.Deadline(); !ok || until.Before(deadline) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, until)
		defer cancel()
	}
	// What earlier turns have changed must be stored before others hear of it.
	if err := c.a.gate.Settle(); err != nil {
		return errs.Unavailable("%v", err)
	}
	from := origin.Origin{Chain: appendToChain(wire.FirstHeader(now.turn.header, wire.HeaderChain), c.a.id), Host: &h.origin}
	return h.client.Invoke(origin.With(ctx, from), call)
}

// Replay implements troupe.Caller: see [troupe.DurableEvent.Replay].
func (c *Context) Replay(ctx context.Context, id troupe.ID, event string, from troupe.Start) iter.Seq2[troupe.Replayed, error] {
	return c.a.host.client.Replay(ctx, id, event, from)
}

func (c *Context) destroying() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.effects != nil && c.effects.destroy
}

// end closes the Context and returns what the turn wants.
func (c *Context) end() result {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if c.timed != nil {
		c.timed.cancel()
	}
	if c.effects == nil {
		return result{}
	}
	e := c.effects
	return result{
		Changes: commit.Changes{Parts: e.changes}, events: e.events, direct: e.direct, disconnections: e.disconnections, destroyed: e.destroy,
	}
}

func (c *Context) hasEnded() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

// Connections are those that the actor has, in the order of their beginning.
func (c *Context) Connections() []*Connection { return c.a.connections.all() }

// Connection is the one by which the running call was made, or that a hook is about. It is not ok for a call that was
// made without one.
func (c *Context) Connection() (conn *Connection, ok bool) {
	return c.turn.connection, c.turn.connection != nil
}

// Disconnect ends a connection once the running action has succeeded: its program is told the reason, and the
// on-disconnect hook runs in a turn of its own.
func (c *Context) Disconnect(conn *Connection, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	does := c.effectsToFill()
	does.disconnections = append(does.disconnections, disconnection{conn, reason})
}
