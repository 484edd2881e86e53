package troupe

import "context"

// Connector declares that programs connect to actors of R's type with parameters P. Contracts declare it as a package
// variable; actorhost.OnConnect implements it.
type Connector[R Reference, P any] struct {
	bind func(c Caller, ref R) R
}

// NewConnector declares that programs connect to actors of R's type with a P, [None] for no parameters.
func NewConnector[R Reference, P any, B binder[R]]() Connector[R, P] {
	return Connector[R, P]{Bind[R, B]}
}

// Connect begins a session with the actor that ref refers to. It returns once the actor has accepted the parameters; the
// error is the actor's own when it has not. The program must Close it. [Event.On] subscribes from the beginning on.
//
// The connection outlives the loss of NATS, and the actor's sleep or death: it comes back by itself, with the same id and
// the same parameters, as soon as the actor can be reached, and [OnStatus] is told. ref must belong to a program:
// an actor subscribes.
func (k Connector[R, P]) Connect(ctx context.Context, ref R, params P, options ...ConnectOption) (*Connection[R], error) {
	conn, err := ref.reference().connect(ctx, ref.ActorType(), params, options)
	if err != nil {
		return nil, err
	}
	return &Connection[R]{conn, k.bind(conn, ref)}, nil
}

// Connection is a program's session with one actor. The actor knows of it, can send to it alone, and stays awake for it.
type Connection[R Reference] struct {
	Conn
	actor R
}

// Actor refers to the actor through the connection: its actions know that a call came by it, and subscriptions receive
// what is sent to the connection alone as well as what is broadcast, in one order.
func (c *Connection[R]) Actor() R { return c.actor }

// Conn is a [Connection], untyped: a Caller by which references are bound to it.
type Conn interface {
	Caller
	// ID names the connection; it stays the same when the connection is lost and comes back.
	ID() string
	// Status is how the connection is.
	Status() Status
	// Done is closed when the connection has ended for good.
	Done() <-chan struct{}
	// Err is why it has, an [ErrDisconnected] with the actor's reason for one, and nil before.
	Err() error
	// Close ends the connection, with its subscriptions, and waits until the actor knows, or ctx is done: then the actor
	// will find out later.
	Close(ctx context.Context) error
}

// Status is how a connection is.
type Status string

// The statuses of a connection.
const (
	StatusConnected    Status = "connected"
	StatusReconnecting Status = "reconnecting" // it is lost, and about to come back
	StatusClosed       Status = "closed"       // for good
)

// StatusChange is a new status of a connection.
type StatusChange struct {
	Status Status
	// Restarted says of a connection that is connected again that the actor has begun it anew: its host was gone, or it had
	// given the connection up. The actor's on-connect hook has run again. What it has sent to the connection alone in the
	// meantime is lost; of broadcasts, gaps tell.
	Restarted bool
	Err       error // why it is closed, or about to come back
}

// ConnectOption is a setting of a connection.
type ConnectOption func(*ConnectRequest)

// OnStatus has f called for each change of the connection's status after Connect, between handlers of its events and
// like one of them.
func OnStatus(f func(StatusChange)) ConnectOption { return func(c *ConnectRequest) { c.Status = f } }

// On subscribes to the event through the connection that is made, from its beginning on: what the actor's on-connect hook
// sends is heard too. The subscription ends with the connection. See [Event.Subscribe].
func (e Event[R, P]) On(handle func(ctx context.Context, payload P) error, options ...SubscribeOption) ConnectOption {
	return func(c *ConnectRequest) {
		var ref R
		if ref.ActorType() != c.ID.Type() {
			c.err = badInput("connecting to %s: it has no %s, an event of %s", c.ID, e.name, ref.ActorType())
		}
		l := e.listenRequest(handle, options)
		l.Actors = c.ID.Actors()
		c.Subscriptions = append(c.Subscriptions, l)
	}
}

// ConnectRequest is a connection that is to be made, untyped.
type ConnectRequest struct {
	ID            ID
	Existing      bool
	Params        any
	Status        func(StatusChange) // may be nil
	Subscriptions []ListenRequest    // to events of the actor, from the beginning on
	err           error
}

// connecter is a Caller of a program.
type connecter interface {
	Connect(ctx context.Context, c ConnectRequest) (Conn, error)
}

func (r Ref) connect(ctx context.Context, actorType string, params any, options []ConnectOption) (Conn, error) {
	if err := r.ready(actorType, "connect"); err != nil {
		return nil, err
	}
	program, ok := r.caller.(connecter)
	if !ok {
		return nil, badInput("connecting to %s: the reference does not belong to a program; actors subscribe instead", r.id)
	}
	c := ConnectRequest{ID: r.id, Existing: r.existing, Params: params}
	for _, option := range options {
		option(&c)
	}
	if c.err != nil {
		return nil, c.err
	}
	return program.Connect(ctx, c)
}

// Connected is one connection of an actor, as the actor sees it: an *actorhost.Connection.
type Connected interface {
	ID() string
}

// Send publishes the event to one connection of the running actor alone, in the order of its broadcasts. The error is
// [ErrDisconnected] when that has ended; see [Event.Broadcast] for others.
func (e Event[R, P]) Send(c Broadcaster, to Connected, payload P) error {
	emission := e.emission(payload)
	emission.To = to.ID()
	return c.Emit(emission)
}

// BroadcastExcept is [Event.Broadcast] to all but one connection: the one whose call caused it, say. Those who subscribe
// without a connection hear it.
func (e Event[R, P]) BroadcastExcept(c Broadcaster, but Connected, payload P) error {
	emission := e.emission(payload)
	emission.Except = but.ID()
	return c.Emit(emission)
}
