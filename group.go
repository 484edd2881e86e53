package troupe

import "context"

// Group refers to many actors of R's type, for [Event.SubscribeAll] and [DurableEvent.Follow]. Like a reference it is bound to a
// caller, and making one does no I/O.
type Group[R Reference] struct {
	caller Caller
	actors Actors
	err    error // why the group is not valid; subscriptions return it
}

// All refers to the actors of R's type whose keys begin with prefix. All[Room](c) is every room. All[Room](c, "org1") is
// the room org1 itself, org1/lobby, org1/a/b, and so on.
//
// A subscription to such a group receives every event of these actors from NATS, and passes on the one it is for. Use
// [Group.Exactly] if the actors have many other events: then it receives only that one.
func All[R Reference](c Caller, prefix ...string) Group[R] {
	var ref R
	actors, err := NewActors(ref.ActorType(), prefix...)
	return Group[R]{caller: c, actors: actors, err: err}
}

// Exactly narrows the group to keys with this many parts after the prefix. If the key of a room is an organisation and a
// name, All[Room](c, "org1").Exactly(1) is every room of org1.
func (g Group[R]) Exactly(more int) Group[R] {
	if g.err == nil {
		g.actors, g.err = g.actors.Exactly(more)
	}
	return g
}

func (g Group[R]) listen(ctx context.Context, l ListenRequest) (Subscription, error) {
	caller, err := g.ready("subscribing to " + l.Event)
	if err != nil {
		return nil, err
	}
	l.Actors = g.actors
	return caller.Listen(ctx, l)
}

// ready returns who carries out what is done with the group.
func (g Group[R]) ready(doing string) (Caller, error) {
	switch {
	case g.err != nil:
		return nil, g.err
	case g.caller == nil:
		var ref R
		return nil, badInput("%s of %s: the group has no caller: make it by All", doing, ref.ActorType())
	}
	return g.caller, nil
}
