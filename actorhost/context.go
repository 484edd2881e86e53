package actorhost

import (
	"cmp"
	"context"
	"iter"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nuid"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/actorhost/internal/faults"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/dedup"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/origin"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/wire"
)

// Context is what a turn gives to its action. It is a context.Context that is done when the call's time runs out or the
// host's grace ends. It is a troupe.Caller: its calls take no longer than the time that is left, and fail at once if
// they come back to an actor that waits for them, by an action that is not [Handler.Reentrant]. So do the calls of any client
// that are made with it as their context. It is a troupe.Broadcaster for the actor's events, and a troupe.Scheduler for its own actions.
//
// Calls to other actors leave before this action's changes are stored, but after those of earlier turns are. Goroutines
// that an action starts may use the Context until the action returns. What is asked of it later fails, or is logged and
// does nothing.
type Context struct {
	a    *activation
	turn turn

	began     time.Duration // on the host's clock
	goroutine uint64        // that runs the turn: see package stacks

	mu         sync.Mutex
	ended      bool
	callerGone bool
	misread    bool            // the input is for another program; only the action's goroutine sets it
	called     atomic.Bool     // it has made calls, and may wait for one. Needs no mutex
	misused    error           // a method that has no error was called in a read-only action; the first
	timed      *timedContext   // nil until it is asked for: most actions need no timer
	within     context.Context //nolint:containedctx // what an interceptor has made; nil until then
	effects    *effects        // nil if there are none, as in most turns
}

// timedContext ends at the turn's deadline.
type timedContext struct {
	context.Context //nolint:containedctx // it is one itself
	cancel          context.CancelFunc
}

// cancel ends the Context because the caller has gone.
func (c *Context) cancel() {
	_ = c.context() // there is one to end
	c.mu.Lock()
	defer c.mu.Unlock()
	c.callerGone = true
	c.timed.cancel()
}

var (
	_ troupe.Caller      = (*Context)(nil)
	_ troupe.Broadcaster = (*Context)(nil)
	_ troupe.Scheduler   = (*Context)(nil)

	_ troupe.DurableSubscriber = (*Context)(nil)
)

type contextKey struct{}

// FromContext returns the Context of the turn that ctx belongs to, for example in an event handler.
func FromContext(ctx context.Context) (*Context, bool) {
	c, ok := ctx.Value(contextKey{}).(*Context)
	return c, ok
}

// Deadline implements context.Context: the caller's deadline or the ActionTimeout of the actor type, whichever is
// sooner, or that of an interceptor.
func (c *Context) Deadline() (time.Time, bool) {
	until := c.a.host.clock.Time(c.turn.deadline)
	if within := c.entered(); within != nil {
		if sooner, ok := within.Deadline(); ok && sooner.Before(until) {
			return sooner, true
		}
	}
	return until, true
}

// Done implements context.Context.
func (c *Context) Done() <-chan struct{} { return c.context().Done() }

// Err implements context.Context.
func (c *Context) Err() error { return c.context().Err() }

// Value implements context.Context.
func (c *Context) Value(key any) any {
	if within := c.entered(); within != nil {
		return within.Value(key)
	}
	if value := c.ownValue(key); value != nil {
		return value
	}
	c.mu.Lock()
	timed := c.timed
	c.mu.Unlock()
	if timed == nil {
		return c.values().Value(key)
	}
	return timed.Value(key) // package context cancels through it without a goroutine
}

// ownValue is what the turn itself has for a key, or nil.
func (c *Context) ownValue(key any) any {
	switch {
	case key == (contextKey{}) || key == (troupe.CallerKey{}):
		return c
	case origin.IsKey(key): // so that calls by any client, made with this context, are known to be the actor's
		from := c.origin()
		return &from
	case key == (troupe.FiringKey{}) && c.turn.firing != nil:
		return *c.turn.firing
	case key == (troupe.QueuedKey{}) && c.turn.queued != nil:
		return *c.turn.queued
	}
	return nil
}

// entered is the context that an interceptor has made for the turn, or nil.
func (c *Context) entered() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.within
}

func (c *Context) context() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timed == nil {
		ctx, cancel := context.WithDeadline(c.values(), c.a.host.clock.Time(c.turn.deadline))
		if c.timed = (&timedContext{ctx, cancel}); c.ended {
			cancel()
		}
	}
	return c.timed.Context
}

// values returns the Context without its deadline.
func (c *Context) values() context.Context {
	if c.turn.delivery == nil {
		return c.a.host.ctx
	}
	return troupe.WithDelivery(c.a.host.ctx, *c.turn.delivery)
}

// Type returns the name of the actor's type.
func (c *Context) Type() string { return c.a.id.Type() }

// Key returns the parts of the actor's key.
func (c *Context) Key() []string { return c.a.id.Key() }

// ID returns the actor's ID.
func (c *Context) ID() troupe.ID { return c.a.id }

// HostID returns the id of the host on which the actor is awake.
func (c *Context) HostID() string { return c.a.session.ID }

// Epoch numbers the actor's activations. It grows with each, also across hosts, destruction and re-creation.
func (c *Context) Epoch() uint64 { return c.a.epoch }

// RequestID identifies the call: by the id that its caller has set, or else by the one that Troupe's clients give to
// every call. It stays the same when the call is sent again, also to another host. The calls of an action have ids that are
// made from it, so they take effect once, even if this host dies in the middle of the action and another runs it again. A call
// whose input may be another then needs an id by hand:
//
//	paid, err := Pay.Call(troupe.WithRequestID(c, c.RequestID()+"/pay"), payment, amount)
//
// In the handler of a durable event it identifies the event. Where nothing tells one turn from another, in other handlers,
// in hooks, and for callers without ids, each turn has one of its own.
func (c *Context) RequestID() string {
	if id := c.turn.id.String(); id != "" {
		return strings.Clone(id) // which shares the memory of a batch, and may be kept
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.effectsToFill()
	if e.requestID == "" {
		e.requestID = nuid.Next()
	}
	return e.requestID
}

// Logger returns the host's logger with the actor and the request in its fields.
func (c *Context) Logger() *slog.Logger { return c.a.actorLogger(strings.Clone(c.turn.id.String())) }

// Actor returns a handle to an actor by the name of its type: see troupe.Actor.
func (c *Context) Actor(actorType string, key ...string) troupe.Handle {
	return troupe.Actor(c, actorType, key...)
}

// Destroy destroys the actor once the running action has succeeded: the on-destroy hook runs and the record is deleted.
// The next call through troupe.GetOrCreate creates a new actor. If the on-create or the on-wake hook destroys the actor,
// the call that has woken it gets troupe.CodeNotFound, and its action does not run.
func (c *Context) Destroy() {
	c.addEffect("Destroy", func(e *effects) { e.destroy = true })
}

// refusedTo says why a read-only action may not do what belongs to the end of its turn, or nil for another action.
func (c *Context) refusedTo(do, what string) error {
	if !c.turn.readOnly {
		return nil
	}
	return errs.New(troupe.CodeInternal, "%s.%s is read-only: it may not %s %s", c.a.id, c.turn.action, do, what)
}

// refusedBeside says why an action that may run beside turns may not read what is no part of the stored state, or nil for another.
func (c *Context) refusedBeside(what string) error {
	if !c.turn.beside {
		return nil
	}
	return errs.New(troupe.CodeInternal, "%s.%s may run beside turns: it may not read %s, of which it could not see what is stored",
		c.a.id, c.turn.action, what)
}

// hasMisused returns the error of a method that a read-only action may not call, and that has no error itself.
func (c *Context) hasMisused() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.misused
}

// effectsToFill returns the effects, for the caller to add to. The caller holds c.mu.
func (c *Context) effectsToFill() *effects {
	if c.effects == nil {
		c.effects = new(effects)
	}
	return c.effects
}

// addUndo adds what undoes something that does not wait for the turn to succeed. After the turn it is undone at once.
func (c *Context) addUndo(undo func()) error {
	c.mu.Lock()
	ended := c.ended
	if !ended {
		effects := c.effectsToFill()
		effects.undo = append(effects.undo, undo)
	}
	c.mu.Unlock()
	if ended {
		undo()
		return errTurnOver
	}
	return nil
}

// addChange adds a change of the record. It is made if the turn succeeds.
func (c *Context) addChange(change record.Change) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return errTurnOver
	}
	effects := c.effectsToFill()
	effects.changes = append(effects.changes, change)
	return nil
}

// addEffect adds to the effects. After the turn it does nothing but log the name of the method.
func (c *Context) addEffect(method string, add func(*effects)) {
	c.mu.Lock()
	ended := c.ended
	switch refused := c.refusedTo("call", method); {
	case ended:
	case refused != nil:
		c.misused = cmp.Or(c.misused, refused)
	default:
		add(c.effectsToFill())
	}
	c.mu.Unlock()
	if ended {
		c.a.logger(c.turn.id.String()).Error("a method of a Context was called after its turn and did nothing",
			slog.String("method", method), slog.String("action", c.turn.action))
	}
}

// origin is where the calls of the turn come from. Nobody waits for those that are made after it.
func (c *Context) origin() origin.Origin {
	from := origin.Origin{Host: &c.a.host.origin}
	if !c.hasEnded() {
		from.Turn = (*nestingTurn)(c)
		from.Chain = appendToChain(c.turn.header.Get(wire.HeaderChain), c.a.id)
	}
	return from
}

// Nest implements origin.Turn.
func (t *nestingTurn) Nest(callee, action string, input []byte) string {
	c := (*Context)(t)
	c.called.Store(true)
	parent := c.turn.id
	if !parent.Known() || !faults.Nesting {
		return ""
	}
	if canonical, err := codec.AppendCanonical(nil, input); err == nil { // else it is in another encoding, as when it runs again
		input = canonical
	}
	k := dedup.Nesting(c.a.id.Tokens(), c.turn.action, parent, callee, action, input)
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.effectsToFill()
	if e.nested == nil {
		e.nested = make(map[dedup.Key]int, 1)
	}
	e.nested[k]++
	return k.Nested(e.nested[k] - 1)
}

// GetCarried implements origin.Turn.
func (t *nestingTurn) GetCarried(name string) string { return t.turn.header.GetCarried(name) }

// nestingTurn is a Context as its calls see it.
type nestingTurn Context

// Follow implements troupe.Caller: see [troupe.DurableEvent.Follow]. It ends with ctx at the latest, and so with the turn if that is the
// Context.
func (c *Context) Follow(ctx context.Context, r troupe.FollowRequest) iter.Seq2[troupe.Replayed, error] {
	return c.a.host.client.Follow(ctx, r)
}

// Replay implements troupe.Caller: see [troupe.DurableEvent.Replay].
func (c *Context) Replay(ctx context.Context, id troupe.ID, event string, from troupe.ReplayStart) iter.Seq2[troupe.Replayed, error] {
	return c.a.host.client.Replay(ctx, id, event, from)
}

func (c *Context) destroying() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.effects != nil && c.effects.destroy
}

// end closes the Context and returns what the turn has done.
func (c *Context) end() result {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if c.timed != nil {
		c.timed.cancel()
	}
	if c.effects == nil {
		return result{misread: c.misread, called: c.called.Load()}
	}
	e := c.effects
	return result{
		Changes: commit.Changes{Parts: e.changes}, events: e.events, direct: e.direct,
		disconnections: e.disconnections, schedules: e.schedules, destroyed: e.destroy, called: c.called.Load(), told: e.told, flow: e.flow,
		misread: c.misread,
	}
}

func (c *Context) hasEnded() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

// Connections returns the actor's connections, in order of arrival.
func (c *Context) Connections() []*Connection { return c.a.connections.all() }

// Connection returns the connection that the call was made on, or that the hook is about. It is not ok for a call
// without one.
func (c *Context) Connection() (conn *Connection, ok bool) {
	return c.turn.connection, c.turn.connection != nil
}

// Disconnect ends a connection once the running action has succeeded. Its program is told the reason, and the
// on-disconnect hook runs in a turn of its own. A nil connection has ended already.
func (c *Context) Disconnect(conn *Connection, reason string) {
	if conn == nil {
		return
	}
	c.addEffect("Disconnect", func(e *effects) {
		e.disconnections = append(e.disconnections, disconnection{conn, reason})
	})
}
