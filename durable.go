package troupe

import (
	"context"
	"iter"
)

// DurableEvent is an Event that is also kept, in JetStream, for as long as the hosts are told (actorhost.Config): actors
// can subscribe to it for good, and programs can read what was broadcast before.
type DurableEvent[R Reference, P any] struct{ Event[R, P] }

// NewDurableEvent declares a durable event by its name on the wire.
func NewDurableEvent[R Reference, P any](name string) DurableEvent[R, P] {
	return DurableEvent[R, P]{NewEvent[R, P](name)}
}

// Broadcast is [Event.Broadcast] of an event that is kept: the answer of the action leaves once the event is in the log,
// and an event whose action is stored gets there whatever dies in between.
func (e DurableEvent[R, P]) Broadcast(c Broadcaster, payload P) error {
	emission := e.emission(payload)
	emission.Durable = true
	return c.Emit(emission)
}

// BroadcastExcept is [Event.BroadcastExcept] of an event that is kept.
func (e DurableEvent[R, P]) BroadcastExcept(c Broadcaster, but Connected, payload P) error {
	emission := e.emission(payload)
	emission.Durable, emission.Except = true, but.ID()
	return c.Emit(emission)
}

// SubscribeDurable subscribes the actor that runs c to the event of the actor that ref refers to, which need not exist.
// The subscription is part of the subscriber's state: in force once the action that has made it is stored, it lasts,
// through sleep, the death of hosts and restarts of NATS, until [DurableEvent.UnsubscribeDurable] or the subscriber's
// destruction. Subscribing again changes nothing.
//
// An event wakes the subscriber and is handled, as a turn, by what its definition has for it (actorhost.OnEvent). What
// that changes is stored together with how far the subscription has come, so the subscriber's state has each event once,
// in the order of its actor. A handler that fails is called again with the same event, after 1 to 30 s; until then it
// gets no later event of that actor.
func (e DurableEvent[R, P]) SubscribeDurable(c DurableSubscriber, ref R) error {
	if err := ref.reference().ready(ref.ActorType(), e.name); err != nil {
		return err
	}
	return c.SubscribeDurable(ref.reference().id, e.name)
}

// UnsubscribeDurable ends a subscription once the action is stored. Without one it does nothing.
func (e DurableEvent[R, P]) UnsubscribeDurable(c DurableSubscriber, ref R) error {
	if err := ref.reference().ready(ref.ActorType(), e.name); err != nil {
		return err
	}
	return c.UnsubscribeDurable(ref.reference().id, e.name)
}

// DurableSubscriber subscribes an actor for good: it is the *actorhost.Context of the actor's action, whose deadline holds
// for both methods.
type DurableSubscriber interface {
	context.Context
	SubscribeDurable(source ID, event string) error
	UnsubscribeDurable(source ID, event string) error
}

// Replay yields the events of the actor that ref refers to that are kept, from a start on, in their order, up to the last
// one at the time of the call. An error ends it. It reads the log itself: without a host, and by the permissions that
// docs/protocol.md names.
func (e DurableEvent[R, P]) Replay(ctx context.Context, ref R, from ReplayStart) iter.Seq2[KeptEvent[P], error] {
	return func(yield func(KeptEvent[P], error) bool) {
		base := ref.reference()
		if err := base.ready(ref.ActorType(), e.name); err != nil {
			yield(KeptEvent[P]{}, err)
			return
		}
		for d, err := range base.caller.Replay(ctx, base.id, e.name, from) {
			kept := KeptEvent[P]{Position: d.Position, Time: d.Time}
			if err == nil {
				err = d.Decode(&kept.Payload)
			}
			if !yield(kept, err) || err != nil {
				return
			}
		}
	}
}
