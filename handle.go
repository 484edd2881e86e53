package troupe

import (
	"context"
	"iter"
)

// Handle is an untyped reference to an actor, for callers without its contract.
type Handle struct{ ref Ref }

// Actor refers to an actor by the name of its type. Like [GetOrCreate] it does no I/O. If the name or the key is not valid,
// calls fail.
func Actor(c Caller, actorType string, key ...string) Handle {
	id, err := NewID(actorType, key...)
	return Handle{Ref{caller: c, id: id, err: err}}
}

// ID is the actor that h refers to.
func (h Handle) ID() ID { return h.ref.id }

// Existing returns a handle whose calls do not create the actor: see [Get].
func (h Handle) Existing() Handle {
	h.ref.existing = true
	return h
}

// Call calls an action by its name. It encodes in, and decodes the answer into what out points to. Either may be nil. See
// [Action.Call].
func (h Handle) Call(ctx context.Context, action string, in, out any) error {
	return h.ref.invoke(ctx, h.ref.id.Type(), action, in, out)
}

// Tell tells an action by its name: see [Action.Tell].
func (h Handle) Tell(ctx context.Context, action string, in any) error {
	return h.ref.tell(ctx, h.ref.id.Type(), action, in)
}

// Stream opens a stream by its name. Each value is decoded by the function that is yielded, before the next is asked for. See
// [Stream.Call].
func (h Handle) Stream(ctx context.Context, stream string, in any) iter.Seq2[func(into any) error, error] {
	return h.ref.stream(ctx, h.ref.id.Type(), stream, in)
}

// Create creates the actor with an input: see [Constructor.Create].
func (h Handle) Create(ctx context.Context, in any) error {
	return h.ref.create(ctx, h.ref.id.Type(), in)
}

// Subscribe calls handle for each event that the actor broadcasts under this name: see [Event.Subscribe].
func (h Handle) Subscribe(ctx context.Context, event string, handle Handler, options ...SubscribeOption) (Subscription, error) {
	return h.ref.listen(ctx, h.ref.id.Type(), newListenRequest(event, handle, options))
}

// Connect connects the program with the actor: see [Connector.Connect]. Actor(conn, ...) refers to the actor through the
// connection.
func (h Handle) Connect(ctx context.Context, params any, options ...ConnectOption) (Conn, error) {
	return h.ref.connect(ctx, h.ref.id.Type(), params, options)
}
