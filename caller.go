package troupe

import (
	"context"
	"iter"
)

// Caller carries calls and subscriptions to actors. A *client.Client and the *actorhost.Context of an action are
// Callers; references are bound to one. Programs use [Action.Call] and its siblings rather than these methods.
type Caller interface {
	// Invoke makes one call and decodes its answer into call.Out.
	Invoke(ctx context.Context, call Invocation) error
	// Listen makes a subscription. It is in force when Listen returns.
	Listen(ctx context.Context, l ListenRequest) (Subscription, error)
	// Replay yields the events of an actor that are kept: see [DurableEvent.Replay].
	Replay(ctx context.Context, id ID, event string, from ReplayStart) iter.Seq2[Replayed, error]
}

// Invocation is one call, untyped.
type Invocation struct {
	ID       ID
	Action   string
	Existing bool // the call must not create the actor
	In, Out  any  // Out is a pointer, or nil when the output is of no interest
	// Connection is the id of the caller's connection with the actor, if the call is made by one.
	Connection string
}

// CreateAction is the action, of every actor type, by which an actor is created with an input. No actor's own action
// can have this name.
const CreateAction = "_create"

// SleepAction is the action, of every actor type, that puts an actor to sleep as if it had been idle for long enough: it
// answers once the sleep hook has run and the state is stored. The error is [ErrNotFound] for an actor that is not
// awake. The next call wakes it again.
const SleepAction = "_sleep"

// DestroyAction is the action, of every actor type, that destroys an actor as if an action of its own had called
// Context.Destroy of package actorhost: it answers once the on-destroy hook has run and the record is gone. The actor is
// woken for that. The error is [ErrNotFound] when there is none, or that of the hook, and then the actor stays.
const DestroyAction = "_destroy"

// ListenRequest is one subscription, untyped.
type ListenRequest struct {
	Actors Actors
	Event  string
	Handle Handler
	Gap    func(ctx context.Context, gap Gap) error // nil: gaps are logged
	Once   bool
}

// Handler handles one event. [DeliveryOf] finds it in ctx too.
type Handler func(ctx context.Context, d Delivery) error

// Subscription is a running subscription.
type Subscription interface {
	// Unsubscribe ends it: no handler starts once it has returned. Later calls do nothing.
	Unsubscribe() error
}

// Broadcaster is what publishes an actor's events: the *actorhost.Context of its action.
type Broadcaster interface {
	// Emit publishes an event of the running actor once the action's state is stored. It is an error when
	// Emission.ActorType is not the actor's type.
	Emit(e Emission) error
}

// Emission is one event that an actor publishes, untyped.
type Emission struct {
	ActorType, Event string
	Payload          any
	Durable          bool   // it is kept
	To               string // the id of the only connection that gets it
	Except           string // the id of a connection that does not
}
