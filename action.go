package troupe

import "context"

// None is the input of an action that takes none, and the output of one that has none. Its one value is nil, and it
// is an empty body on the wire.
type None = *struct{}

// Action is a named operation of the actors that R refers to: it takes an In and answers with an Out. Contracts
// declare them as package variables.
type Action[R Reference, In, Out any] struct{ name string }

// NewAction declares an action by its name on the wire. A name that is not valid (see [CheckName]) shows as an error
// when a host registers the action, and as the error of its calls.
func NewAction[R Reference, In, Out any](name string) Action[R, In, Out] {
	return Action[R, In, Out]{name}
}

// Name is the action's name on the wire.
func (a Action[R, In, Out]) Name() string { return a.name }

// Call calls the action of the actor that ref refers to and waits for its answer, at most until ctx is done. Without
// a deadline in ctx, the call has that of the caller: see client.Config, or what is left of the action that makes
// the call. The answer means that the state it tells of is stored. Every error is an [*Error].
func (a Action[R, In, Out]) Call(ctx context.Context, ref R, in In) (Out, error) {
	var out Out
	err := ref.reference().invoke(ctx, ref.ActorType(), a.name, in, &out)
	return out, err
}

// Constructor creates actors that R refers to with an input, which their on-create hook receives. Contracts declare it as
// a package variable.
type Constructor[R Reference, In any] struct{}

// NewConstructor declares that actors of R's type are created with an In.
func NewConstructor[R Reference, In any]() Constructor[R, In] { return Constructor[R, In]{} }

// Create creates the actor that ref refers to, and returns once it is stored. The error is [ErrAlreadyExists] when there
// is one already, and the user error of the on-create hook when that refuses.
func (n Constructor[R, In]) Create(ctx context.Context, ref R, in In) error {
	return ref.reference().create(ctx, ref.ActorType(), in)
}
