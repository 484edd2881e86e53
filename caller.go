package troupe

import (
	"context"
	"iter"
	"time"
)

// Caller carries calls and subscriptions to actors. A *client.Client is one, and so is the *actorhost.Context of an
// action. Every reference is bound to a Caller. Programs use [Action.Call] and its siblings, not these methods.
type Caller interface {
	// Invoke makes one call and decodes its answer into call.Out, unless the call is only told.
	Invoke(ctx context.Context, call Invocation) error
	// Stream opens a stream. What it yields decodes one value, until the next is asked for: see [Stream.Call].
	Stream(ctx context.Context, r StreamRequest) iter.Seq2[func(into any) error, error]
	// Listen makes a subscription. It is in force when Listen returns.
	Listen(ctx context.Context, l ListenRequest) (Subscription, error)
	// Replay yields the kept events of an actor: see [DurableEvent.Replay].
	Replay(ctx context.Context, id ID, event string, from ReplayStart) iter.Seq2[Replayed, error]
	// Follow yields the kept events of actors, and those that come: see [DurableEvent.Follow].
	Follow(ctx context.Context, r FollowRequest) iter.Seq2[Replayed, error]
	// Push puts a message into a queue of an actor: see [Queue.Push].
	Push(ctx context.Context, p PushRequest) error
	// Connect connects with an actor: see [Connector.Connect]. An actor cannot: it subscribes instead.
	Connect(ctx context.Context, c ConnectRequest) (Conn, error)
	// DeadMessages yields what was given up of a queue of an actor: see [Queue.Dead].
	DeadMessages(ctx context.Context, id ID, queue string) iter.Seq2[DeadMessage, error]
}

// Invocation is one call, untyped.
type Invocation struct {
	ID       ID
	Action   string
	Existing bool // the call must not create the actor
	In, Out  any  // Out is a pointer, or nil if the output does not matter
	// Connection is the id of the connection that the call is made through. Empty: none.
	Connection string
	Tell       bool // nobody waits for the answer: see [Action.Tell]
}

// CreateAction creates an actor with an input. Every actor type has this action; no action of a contract can have its
// name.
const CreateAction = "_create"

// SleepAction puts an actor to sleep, as if it had been idle for long enough. Every actor type has this action. It answers
// once the sleep hook has run and the state is stored. The error is [ErrNotFound] if the actor is not awake. The next call
// wakes the actor again.
const SleepAction = "_sleep"

// MoveAction moves an actor to a host, whose id is the input. Every actor type has this action. It answers once the actor is
// awake there. Until then it runs what it runs, and what waits for it; its connections end, and programs connect again by
// themselves. It stays until it sleeps: then any host may wake it. The error is [ErrNotFound] if there is no such actor,
// [ErrBadInput] if no host with this id that runs its type is up, [ErrOverloaded] if that has no room, and [ErrUnavailable] or
// [ErrOutcomeUnknown] if the actor is busy for longer than the call may take.
const MoveAction = "_move"

// DestroyAction destroys an actor, as if one of its own actions had called actorhost.Context.Destroy. Every actor type has
// this action. It wakes the actor, and answers once the on-destroy hook has run and the record is gone. The error is
// [ErrNotFound] if there is no such actor. If the hook fails, its error is returned and the actor stays.
const DestroyAction = "_destroy"

// ListenRequest says what a subscription is to, untyped.
type ListenRequest struct {
	Actors Actors
	Event  string
	Handle Handler
	Gap    func(ctx context.Context, gap Gap) error // nil: gaps are logged
	Once   bool
}

// FollowRequest says which events are followed, untyped.
type FollowRequest struct {
	Actors Actors
	Event  string
	After  Place
}

// Handler handles one event. [DeliveryOf] also finds the event in ctx.
type Handler func(ctx context.Context, d Delivery) error

// Subscription is a running subscription.
type Subscription interface {
	// Unsubscribe ends the subscription: no handler starts after it has returned. Later calls do nothing.
	Unsubscribe() error
	// Done is closed once the subscription has ended.
	Done() <-chan struct{}
	// Err says why the subscription has ended, if it was not by Unsubscribe or [Once]: [ErrUnavailable] once its connection
	// to NATS is closed for good or its client is closed; otherwise what has ended the [Conn] that it was made through.
	Err() error
}

// Broadcaster publishes an actor's events. It is the *actorhost.Context of the actor's action.
type Broadcaster interface {
	// Emit publishes an event of the running actor once the action's state is stored. It fails if Emission.ActorType is
	// not the actor's type.
	Emit(e Emission) error
}

// Emission is one event that an actor publishes, untyped.
type Emission struct {
	ActorType, Event string
	Payload          any
	Durable          bool   // the event is kept
	To               string // the id of the only connection that gets the event; empty: everybody does
	Except           string // the id of the connection that does not get it; empty: everybody does
}

// PushRequest is one message for a queue, untyped.
type PushRequest struct {
	ID        ID
	Queue     string
	InOrder   bool // the queue is in order
	Existing  bool // the message must not create the actor
	Message   any
	PushID    string    // empty: none
	NotBefore time.Time // zero: now
}

// Queued says which message of a queue is handled.
type Queued struct {
	Queue   string
	ID      string // no other message of the queue has it
	Attempt int    // 1 for the first
	Pushed  time.Time
}

// DeadMessage is a [DeadLetter], untyped.
type DeadMessage struct {
	Queued
	Died   time.Time
	Error  string
	Decode func(into any) error // decodes the message
}
