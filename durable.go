package troupe

import (
	"context"
	"iter"
)

// DurableEvent is an [Event] that JetStream also keeps, for actorhost.Config.EventRetention. Actors can subscribe to it for
// good, and programs can read what was broadcast before.
type DurableEvent[R Reference, P any] struct{ Event[R, P] }

// NewDurableEvent declares a durable event by its name on the wire.
func NewDurableEvent[R Reference, P any](name string) DurableEvent[R, P] {
	return DurableEvent[R, P]{NewEvent[R, P](name)}
}

// Broadcast is [Event.Broadcast] of an event that is kept. The action is answered once the event is in the log. Once the
// action is stored, its event gets into the log, whatever dies in between.
func (e DurableEvent[R, P]) Broadcast(c Broadcaster, payload P) error {
	emission := e.emission(payload)
	emission.Durable = true
	return c.Emit(emission)
}

// BroadcastExcept is [Event.BroadcastExcept] of an event that is kept.
func (e DurableEvent[R, P]) BroadcastExcept(c Broadcaster, but Connected, payload P) error {
	emission := e.emission(payload)
	emission.Durable, emission.Except = true, connectionID(but)
	return c.Emit(emission)
}

// SubscribeDurable subscribes the running actor to the event of the actor that ref refers to, which need not exist. The
// subscription is part of the subscriber's state. It is in force once the action that has made it is stored, and lasts
// through sleep, the death of hosts and restarts of NATS, until [DurableEvent.UnsubscribeDurable] or until the subscriber
// is destroyed. Subscribing again changes nothing.
//
// Each event wakes the subscriber and is a turn of it: actorhost.OnEvent names the handler. What the handler changes is
// stored together with how far the subscription has come. So each event takes effect once in the subscriber's state, in
// the order of its actor. A handler that fails is called again with the same event after 1 to 30 s. Until it succeeds, it
// gets no later event of that actor.
//
// The error is [ErrTooLarge] if the actor subscribes to too many others, or if its key and that of the other actor are
// together too long for a subject of NATS, as two of 200 Chinese characters are.
func (e DurableEvent[R, P]) SubscribeDurable(c DurableSubscriber, ref R) error {
	if err := ref.embedTroupeRef().in(c).ready(ref.ActorType(), e.name); err != nil {
		return err
	}
	return c.SubscribeDurable(ref.embedTroupeRef().id, e.name)
}

// UnsubscribeDurable ends the subscription once the action is stored. Without a subscription it does nothing.
func (e DurableEvent[R, P]) UnsubscribeDurable(c DurableSubscriber, ref R) error {
	if err := ref.embedTroupeRef().in(c).ready(ref.ActorType(), e.name); err != nil {
		return err
	}
	return c.UnsubscribeDurable(ref.embedTroupeRef().id, e.name)
}

// DurableSubscriber subscribes an actor for good. It is the *actorhost.Context of the actor's action. Its deadline bounds
// both methods.
type DurableSubscriber interface {
	context.Context
	SubscribeDurable(source ID, event string) error
	UnsubscribeDurable(source ID, event string) error
}

// Replay yields the kept events of the actor that ref refers to, in their order, from a start up to the last one at the
// time of the call. An error ends it. Replay reads the log itself, without a host. docs/protocol.md names the permissions
// that it needs.
func (e DurableEvent[R, P]) Replay(ctx context.Context, ref R, from ReplayStart) iter.Seq2[KeptEvent[P], error] {
	return func(yield func(KeptEvent[P], error) bool) {
		base := ref.embedTroupeRef().in(ctx)
		if err := base.ready(ref.ActorType(), e.name); err != nil {
			yield(KeptEvent[P]{}, err)
			return
		}
		yieldKept(base.caller.Replay(ctx, base.id, e.name, from), yield)
	}
}
