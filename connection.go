package troupe

import "context"

// Connector connects programs with actors of R's type. P are the parameters that the actor gets. A contract declares it as
// a package variable; actorhost.OnConnect implements it.
type Connector[R Reference, P any] struct {
	bind func(c Caller, ref R) R
}

// NewConnector declares that programs can connect with actors of R's type. P is [None] for no parameters.
func NewConnector[R Reference, P any, B binder[R]]() Connector[R, P] {
	return Connector[R, P]{Bind[R, B]}
}

// Connect connects the program with the actor that ref refers to. It returns once the actor has accepted the parameters;
// if the actor refuses, the error is the actor's own. The program must Close the connection. [Event.On] subscribes from
// the beginning on.
//
// The connection survives a lost connection to NATS, and the sleep and death of the actor. It comes back by itself as soon
// as the actor can be reached, with the same id and the same parameters, and tells [OnStatus]. ref must be bound to a
// program: an actor cannot connect, it subscribes.
func (k Connector[R, P]) Connect(ctx context.Context, ref R, params P, options ...ConnectOption) (*Connection[R], error) {
	conn, err := ref.embedTroupeRef().connect(ctx, ref.ActorType(), params, options)
	if err != nil {
		return nil, err
	}
	return &Connection[R]{conn, k.bind(conn, ref)}, nil
}

// Connection is a program's connection with one actor. The actor knows of it, can send to it alone, and stays awake for
// it.
type Connection[R Reference] struct {
	Conn
	actor R
}

// Actor refers to the actor through the connection. Actions see that a call came through it. A subscription receives what
// the actor broadcasts and what it sends to the connection alone, in one order.
func (c *Connection[R]) Actor() R { return c.actor }

// Conn is an untyped [Connection]. As a Caller it binds references to the connection.
type Conn interface {
	Caller
	// ID names the connection. It stays the same when the connection is lost and comes back.
	ID() string
	// Status is how the connection is now.
	Status() Status
	// Done is closed once the connection has ended for good.
	Done() <-chan struct{}
	// Err says why the connection has ended, for example [ErrDisconnected] with the actor's reason. It is nil before.
	Err() error
	// Close ends the connection and its subscriptions, and waits until the actor knows. If ctx is done first, the actor
	// finds out by itself.
	Close(ctx context.Context) error
}

// Status is the state of a connection.
type Status string

// The statuses of a connection.
const (
	StatusConnected    Status = "connected"
	StatusReconnecting Status = "reconnecting" // lost; the client tries to get it back
	StatusClosed       Status = "closed"       // ended for good
)

// StatusChange tells of a new status of a connection.
type StatusChange struct {
	Status Status
	// Restarted: the connection is back, but the actor had lost it, because its host was gone or it had given the
	// connection up. The actor's on-connect hook has run again. What the actor sent to the connection alone in the meantime
	// is lost; missed broadcasts are told as gaps.
	Restarted bool
	Err       error // why the connection is closed or lost
}

// ConnectOption is an option of one connection.
type ConnectOption func(*ConnectRequest)

// OnStatus calls f for each change of the connection's status after Connect. It is called like a handler of the
// connection's events, and never at the same time as one.
func OnStatus(f func(StatusChange)) ConnectOption { return func(c *ConnectRequest) { c.Status = f } }

// On subscribes to the event through the new connection, from its beginning on: handle also gets what the actor's
// on-connect hook sends. The subscription ends with the connection. See [Event.Subscribe].
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

// ConnectRequest says which connection to make, untyped.
type ConnectRequest struct {
	ID            ID
	Existing      bool
	Params        any
	Status        func(StatusChange) // may be nil
	Subscriptions []ListenRequest    // to events of the actor, from the beginning on
	err           error              // of an option
}

func (r Ref) connect(ctx context.Context, actorType string, params any, options []ConnectOption) (Conn, error) {
	r = r.in(ctx)
	if err := r.ready(actorType, "connect"); err != nil {
		return nil, err
	}
	c := ConnectRequest{ID: r.id, Existing: r.existing, Params: params}
	for _, option := range options {
		option(&c)
	}
	if c.err != nil {
		return nil, c.err
	}
	return r.caller.Connect(ctx, c)
}

// Connected is one connection of an actor as the actor sees it: an *actorhost.Connection.
type Connected interface {
	ID() string
}

// connectionID is empty for none: nil, or the nil pointer of a call that was made without a connection.
func connectionID(c Connected) string {
	if c == nil {
		return ""
	}
	return c.ID()
}

// Send publishes the event to one connection of the running actor alone, in one order with the actor's broadcasts. The
// error is [ErrDisconnected] if the connection is nil or has ended; otherwise see [Event.Broadcast].
func (e Event[R, P]) Send(c Broadcaster, to Connected, payload P) error {
	emission := e.emission(payload)
	if emission.To = connectionID(to); emission.To == "" { // which would be to everybody
		return &Error{Code: CodeDisconnected,
			Message: "sending " + e.name + " of " + emission.ActorType + ": there is no connection to send to"}
	}
	return c.Emit(emission)
}

// BroadcastExcept is [Event.Broadcast] to everybody but one connection, for example the one whose call caused the event.
// Those who subscribe without a connection get it too. If the connection is nil, as for a call without one, everybody
// does.
func (e Event[R, P]) BroadcastExcept(c Broadcaster, but Connected, payload P) error {
	emission := e.emission(payload)
	emission.Except = connectionID(but)
	return c.Emit(emission)
}
