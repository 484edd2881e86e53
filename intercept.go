package troupe

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"
)

// Interceptor runs around what a program or a host does with actors: for tracing, for authorisation, for limits. Set one as
// client.Config.Intercept or actorhost.Config.Intercept; [Intercept] makes one of several.
//
// It calls next once, on its own goroutine, with a context that has ctx as its parent, and returns the error of next or one of its
// own. Without next nothing happens, and its error is what the caller gets. What it puts into the context is what the action, the
// handler and their calls find there. The error of next is what the caller gets: a *[Error].
//
// On a host, ctx is that of the turn: actorhost.FromContext finds its Context. One turn runs at a time, so an interceptor that takes
// long keeps the actor from others. It runs once for each turn: a call that comes again, and was answered before, has none.
type Interceptor func(ctx context.Context, op *Operation, next func(ctx context.Context) error) error

// Operation is what an [Interceptor] runs around.
type Operation struct {
	Kind OperationKind
	// Actor is the one that is called or told or pushed to, whose turn it is, or who has broadcast the event that a program handles.
	Actor ID
	// Name is that of the action, queue, event, hook, loop or step.
	Name string
	// Source is the actor whose event is handled. It is zero for anything else.
	Source ID
	// RequestID identifies the call, as far as it is known: see [WithRequestID].
	RequestID string
	// Durable: the event is kept. Its handler runs whenever it has time, so it has no part in the trace of who has broadcast it.
	Durable bool
	// Waited is how long the turn has waited since what it is for has arrived: a call, a message or an event.
	Waited time.Duration
	// Header has what travels with it. What an interceptor sets before it calls next leaves with calls, messages and live events.
	// Never nil.
	Header Header
}

// OperationKind says what an [Operation] is.
type OperationKind string

// The operations of who calls, in a program and in a turn of an actor.
const (
	OpCall    OperationKind = "call"    // until it is answered
	OpTell    OperationKind = "tell"    // see [Action.Tell]
	OpPush    OperationKind = "push"    // see [Queue.Push]
	OpPublish OperationKind = "publish" // an event, in a turn; it leaves once the turn is stored
)

// The operations of an actor, each a turn but for [OpStep], and of a program that handles an event.
const (
	OpAction   OperationKind = "action"
	OpSchedule OperationKind = "schedule" // an action that was scheduled
	OpQueue    OperationKind = "queue"    // a message of a queue
	OpEvent    OperationKind = "event"    // the handler of an event
	OpHook     OperationKind = "hook"     // create, wake, sleep, _connect, disconnect
	OpLoop     OperationKind = "loop"     // a turn of a run loop
	OpStep     OperationKind = "step"     // a try of a step of a workflow
)

// Header has what travels with calls and events beside their values, by names in lower case. It carries the names below and no
// others; hosts pass them on to wherever a call goes.
type Header map[string]string

// The names that a [Header] carries. The first three, as W3C has them, go on by themselves with the calls and events of a turn, also
// where nobody intercepts; of a durable event that is [HeaderTraceParent] alone. The fourth is for whom it is sent to: an interceptor
// passes it on if it wants that.
const (
	HeaderTraceParent   = "traceparent"
	HeaderTraceState    = "tracestate"
	HeaderBaggage       = "baggage"
	HeaderAuthorization = "authorization"
)

// MaxHeaderBytes is how long the values in a [Header] may be together. Beyond it, baggage is left out, then the state of the trace; a
// call with a longer authorization is [ErrBadInput].
const MaxHeaderBytes = 8 << 10

// Get returns a value, or "". The letter case of the name does not matter.
func (h Header) Get(name string) string { return h[strings.ToLower(name)] }

// Set sets a value. An empty one is not sent.
func (h Header) Set(name, value string) { h[strings.ToLower(name)] = value }

// Keys returns the names, sorted.
func (h Header) Keys() []string { return slices.Sorted(maps.Keys(h)) }

// Intercept makes one interceptor of several. The first is the outermost. Nil ones are left out; without any it returns nil.
func Intercept(all ...Interceptor) Interceptor {
	all = slices.DeleteFunc(slices.Clone(all), func(i Interceptor) bool { return i == nil })
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	first, rest := all[0], Intercept(all[1:]...)
	return func(ctx context.Context, op *Operation, next func(context.Context) error) error {
		return first(ctx, op, func(ctx context.Context) error { return rest(ctx, op, next) })
	}
}
