package troupe

import "context"

// None is the input of an action that takes none, and the output of an action that has none. Its only value is nil. On
// the wire it is an empty body.
type None = *struct{}

// Action is a named operation of the actors that R refers to. It takes an In and answers with an Out. A contract
// declares it as a package variable.
type Action[R Reference, In, Out any] struct{ name string }

// NewAction declares an action by its name on the wire. With a name that is not valid (see [CheckName]) a host that
// registers the action does not start, and calls fail.
func NewAction[R Reference, In, Out any](name string) Action[R, In, Out] {
	return Action[R, In, Out]{name}
}

// Name is the action's name on the wire.
func (a Action[R, In, Out]) Name() string { return a.name }

// Call calls the action of the actor that ref refers to, and waits for the answer until ctx is done. A ctx without a
// deadline gets one: in a program client.Config.Timeout, in an actor what is left of the running action's time. An answer
// means that the state behind it is stored. Every error is an [*Error].
func (a Action[R, In, Out]) Call(ctx context.Context, ref R, in In) (Out, error) {
	var out Out
	err := ref.embedTroupeRef().invoke(ctx, ref.ActorType(), a.name, in, &out)
	return out, err
}

// Tell has the action run, and waits for no answer: it costs a fraction of a [Action.Call]. The action runs at most once, or not at
// all: what nobody hears, refuses or has no room for is lost, and so is the error of an action that fails. It runs if its turn comes
// within the time that a call would have: client.Config.Timeout. Two that one program tells may arrive the other way round.
//
// In the turn of an actor it leaves with what the turn has changed, once that is stored; of a turn that fails, nothing leaves. A turn
// tells 1,024 times at most, and 8 MB.
//
// The error is [ErrBadInput] or [ErrTooLarge] if it cannot be told, [ErrUnavailable] without a connection to NATS, and [ErrCanceled] or
// [ErrDeadlineExceeded] if ctx is done already. That NATS does not allow it, only its log says.
func (a Action[R, In, Out]) Tell(ctx context.Context, ref R, in In) error {
	return ref.embedTroupeRef().tell(ctx, ref.ActorType(), a.name, in)
}

// Constructor creates the actors that R refers to with an input for their on-create hook. A contract declares it as a
// package variable; actorhost.OnCreate implements it.
type Constructor[R Reference, In any] struct{}

// NewConstructor declares that actors of R's type are created with an In.
func NewConstructor[R Reference, In any]() Constructor[R, In] { return Constructor[R, In]{} }

// Create creates the actor that ref refers to, and returns once it is stored. The error is [ErrAlreadyExists] if the
// actor exists, and the hook's own error if the on-create hook refuses.
func (n Constructor[R, In]) Create(ctx context.Context, ref R, in In) error {
	return ref.embedTroupeRef().create(ctx, ref.ActorType(), in)
}
