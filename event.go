package troupe

import "context"

// Event is a named broadcast of the actors that R refers to, with a payload P. Contracts declare them as package
// variables.
type Event[R Reference, P any] struct{ name string }

// NewEvent declares an event by its name on the wire.
func NewEvent[R Reference, P any](name string) Event[R, P] { return Event[R, P]{name} }

// Name is the event's name on the wire.
func (e Event[R, P]) Name() string { return e.name }

// Broadcast publishes the event to whoever listens now, once the state of the running action is stored, and with it how
// many events there were; when the action fails it is not sent. It is delivered at most once. It is an error when c's
// actor is not of R's type, when the payload cannot be encoded or is too large, and when the action has ended.
func (e Event[R, P]) Broadcast(c Broadcaster, payload P) error {
	return c.Emit(e.emission(payload))
}

func (e Event[R, P]) emission(payload P) Emission {
	var ref R
	return Emission{ActorType: ref.ActorType(), Event: e.name, Payload: payload}
}

// Subscribe calls handle for each such event of the actor that ref refers to, which need not exist. The subscription
// is in force when Subscribe returns.
//
// Events are handled one after the other, in the order in which the actor has broadcast them, none twice. Those that are
// missed, because the connection was away or handle is too slow, are told by [OnGap]. [DeliveryOf] tells handle which
// event it has.
//
// In a program a subscription has a queue of its own, and never slows the actor. In an actor each event is a turn, so
// that handle may touch the actor's state: actorhost.FromContext returns the Context of the turn, and an error leaves the
// state as it was. An actor has one subscription to one event of one actor: subscribing again replaces the handler. It
// lasts as long as the actor is awake; see [DurableEvent.SubscribeDurable] for one that outlives that.
//
// The error is [ErrUnavailable] without a connection.
func (e Event[R, P]) Subscribe(
	ctx context.Context, ref R, handle func(ctx context.Context, payload P) error, options ...SubscribeOption,
) (Subscription, error) {
	return ref.reference().listen(ctx, ref.ActorType(), e.listenRequest(handle, options))
}

// SubscribeAll is [Event.Subscribe] to the event of many actors: see [All]. The order is that of each actor.
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

// SubscribeOption is a setting of a subscription.
type SubscribeOption func(*ListenRequest)

// Once ends the subscription with its first event.
func Once() SubscribeOption { return func(l *ListenRequest) { l.Once = true } }

// OnGap has f called, between two handlers of the subscription and like one of them, whenever events were missed, or may
// have been. Without it, gaps are logged.
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
