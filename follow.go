package troupe

import (
	"context"
	"iter"
)

// Follow yields the kept events of many actors from a place in the log on, in the order of the log, then those that come, until ctx
// is done or the loop is left. Of one actor, they are those of All[R](c, KEY...).Exactly(0).
//
// Each event comes once, and none is left out that the log still has when it is read. An outage of NATS or JetStream delays them; one of
// more than a minute ends it. A program that keeps the Place of the last event that it has handled, together with what it has made of
// it, goes on behind that after a restart: then each takes effect once. Events that the log did not keep for so long are missing; their
// Positions tell. If the log was lost or put back to an older copy, so that nobody can tell what comes after the place, the error is
// [ErrNotFound].
//
// An actor follows in its run loop, with the place in its state: see the example of actorhost.ActorType.Loop.
//
// Follow reads the log itself, without a host. It needs what [DurableEvent.Replay] needs, and to hear the event.
func (e DurableEvent[R, P]) Follow(ctx context.Context, group Group[R], after Place) iter.Seq2[KeptEvent[P], error] {
	return func(yield func(KeptEvent[P], error) bool) {
		caller, err := group.ready("following " + e.name)
		if err != nil {
			yield(KeptEvent[P]{}, err)
			return
		}
		yieldKept(caller.Follow(ctx, FollowRequest{Actors: group.actors, Event: e.name, After: after}), yield)
	}
}
