package troupe

import "context"

// Event is a named broadcast of the actors that R refers to, with a payload P. Contracts declare them as package
// variables.
type Event[R Reference, P any] struct{ name string }

// NewEvent declares an event by its name on the wire.
func NewEvent[R Reference, P any](name string) Event[R, P] { return Event[R, P]{name} }

// Name is the event's name on the wire.
func (e Event[R, P]) Name() string { return e.name }

// Broadcast publishes the event to whoever listens now, once the state of the running action is stored; when the
// action fails it is not sent. It is delivered at most once. It is an error when c's actor is not of R's type, when the
// payload cannot be encoded or is too large, and when the action has ended.
func (e Event[R, P]) Broadcast(c Broadcaster, payload P) error {
	var ref R
	return c.Emit(ref.ActorType(), e.name, payload)
}

// Subscribe calls handle for each such event of the actor that ref refers to, which need not exist. The subscription
// is in force when Subscribe returns.
//
// In a program, events of one subscription are handled one after the other in the order of their arrival. In an actor
// each is a turn of its own, so that handle may touch the actor's state; ctx is then the turn's *actorhost.Context,
// and an error leaves the state as it was. An actor has one subscription to one event of one actor: subscribing again
// replaces the handler. It lasts as long as the actor is awake.
func (e Event[R, P]) Subscribe(ctx context.Context, ref R, handle func(ctx context.Context, payload P) error) (Subscription, error) {
	return ref.reference().listen(ctx, ref.ActorType(), e.name,
		func(ctx context.Context, decode func(into any) error) error {
			var payload P
			if err := decode(&payload); err != nil {
				return err
			}
			return handle(ctx, payload)
		})
}
