package troupe

import "context"

// Handle is the untyped way to an actor, for callers without its contract.
type Handle struct{ ref Ref }

// Actor refers to an actor by the name of its type. Like [GetOrCreate] it does no I/O; a name or key that is not valid
// shows as the error of the first call.
func Actor(c Caller, actorType string, key ...string) Handle {
	id, err := NewID(actorType, key...)
	return Handle{Ref{caller: c, id: id, err: err}}
}

// ID is the actor that h refers to.
func (h Handle) ID() ID { return h.ref.id }

// Existing returns h as a handle that never creates the actor: see [Get].
func (h Handle) Existing() Handle {
	h.ref.existing = true
	return h
}

// Call calls an action by its name: in is encoded, and the answer decoded into what out points to. Either may be nil.
// See [Action.Call].
func (h Handle) Call(ctx context.Context, action string, in, out any) error {
	return h.ref.invoke(ctx, h.ref.id.Type(), action, in, out)
}

// Create creates the actor with an input: see [Constructor.Create].
func (h Handle) Create(ctx context.Context, in any) error {
	return h.ref.create(ctx, h.ref.id.Type(), in)
}

// Subscribe calls handle for each such event of the actor: see [Event.Subscribe].
func (h Handle) Subscribe(ctx context.Context, event string, handle Handler, options ...SubscribeOption) (Subscription, error) {
	return h.ref.listen(ctx, h.ref.id.Type(), newListenRequest(event, handle, options))
}

// Connect begins a session with the actor: see [Connector.Connect]. Actor(conn, ...) refers to it through the connection.
func (h Handle) Connect(ctx context.Context, params any, options ...ConnectOption) (Conn, error) {
	return h.ref.connect(ctx, h.ref.id.Type(), params, options)
}
