package troupe

import (
	"context"
	"reflect"
)

// Event is a named broadcast of the actors that R refers to, with a payload P. A contract declares it as a package
// variable.
type Event[R Reference, P any] struct{ name string }

// NewEvent declares an event by its name on the wire.
func NewEvent[R Reference, P any](name string) Event[R, P] { return Event[R, P]{name} }

// Name is the event's name on the wire.
func (e Event[R, P]) Name() string { return e.name }

// PayloadType is the type of P.
func (e Event[R, P]) PayloadType() reflect.Type { return reflect.TypeFor[P]() }

func (e Event[R, P]) of(R) {}

// EventOf is an [Event] or a [DurableEvent] of the actors that R refers to, with whatever payload.
type EventOf[R Reference] interface {
	Name() string
	PayloadType() reflect.Type
	of(R)
}

// Broadcast publishes the event to those who listen now. It leaves once the state of the running action is stored; an
// action that fails sends nothing. Each subscriber gets it at most once. Broadcast fails if the running actor is not of
// R's type, if the payload cannot be encoded or is too large, or if the action has ended.
func (e Event[R, P]) Broadcast(c Broadcaster, payload P) error {
	return c.Emit(e.emission(payload))
}

func (e Event[R, P]) emission(payload P) Emission {
	var ref R
	return Emission{ActorType: ref.ActorType(), Event: e.name, Payload: payload}
}

// Subscribe calls handle for each event that the actor broadcasts under this name. The actor that ref refers to need not
// exist. The subscription is in force when Subscribe returns.
//
// Events are handled one after the other, in the order of their broadcast, and none twice. [OnGap] tells of events that
// were missed because the connection was away or handle is too slow. [DeliveryOf] tells handle which event it has.
//
// In a program each subscription has its own queue and never slows the actor; a handle that panics ends the program. In an
// actor each event is a turn, so handle may use the actor's state: actorhost.FromContext returns the Context of the turn,
// and an error or a panic undoes the turn. An actor has one subscription to one event of one actor; subscribing again
// replaces its handler. The subscription lasts as long as the actor is awake. [DurableEvent.SubscribeDurable] makes one
// that lasts longer.
//
// The error is [ErrUnavailable] without a connection, [ErrDenied] if NATS does not allow the subscription, and [ErrCanceled]
// or [ErrDeadlineExceeded] if ctx ends before it is made. Once it is made, ctx does not matter.
func (e Event[R, P]) Subscribe(
	ctx context.Context, ref R, handle func(ctx context.Context, payload P) error, options ...SubscribeOption,
) (Subscription, error) {
	return ref.embedTroupeRef().listen(ctx, ref.ActorType(), e.listenRequest(handle, options))
}

// SubscribeAll is [Event.Subscribe] to the event of many actors: see [All]. The events of each actor are in order.
func (e Event[R, P]) SubscribeAll(
	ctx context.Context, group Group[R], handle func(ctx context.Context, payload P) error, options ...SubscribeOption,
) (Subscription, error) {
	return group.listen(ctx, e.listenRequest(handle, options))
}

func (e Event[R, P]) listenRequest(handle func(ctx context.Context, payload P) error, options []SubscribeOption) ListenRequest {
	return newListenRequest(e.name, func(ctx context.Context, d Delivery) error {
		var payload P
		if err := d.Decode(&payload); err != nil {
			return err
		}
		return handle(ctx, payload)
	}, options)
}

// SubscribeOption is an option of one subscription.
type SubscribeOption func(*ListenRequest)

// Once ends the subscription after its first event.
func Once() SubscribeOption { return func(l *ListenRequest) { l.Once = true } }

// OnGap calls f whenever events were missed, or may have been. It is called like a handler of the subscription, and never
// at the same time as one. Without OnGap, gaps are logged.
func OnGap(f func(ctx context.Context, gap Gap) error) SubscribeOption {
	return func(l *ListenRequest) { l.Gap = f }
}

func newListenRequest(event string, handle Handler, options []SubscribeOption) ListenRequest {
	l := ListenRequest{Event: event, Handle: handle}
	for _, option := range options {
		option(&l)
	}
	return l
}
