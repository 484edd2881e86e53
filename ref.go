package troupe

import (
	"context"
	"strings"
)

// Ref is a reference to one actor. The typed reference of a contract embeds it. A Ref holds no connection and no other
// resource: to make one does no I/O, to copy one is free, and none needs to be closed. Two references of one caller to the
// same actor are equal.
//
// A Ref can be part of an input, an output, an event or a state. In the turn of an actor one that has been decoded works
// like any other: calls through it are made by the actor whose turn it is, so a Ref in a state is good before and after
// sleep. A program makes it usable by [Bind]. It is what it was: one by [Get] creates nothing, wherever it gets.
type Ref struct {
	caller   Caller
	id       ID
	existing bool
	err      error // why the reference is not valid; calls return it
}

// Reference is a typed reference: a struct that embeds [Ref] and names the type of its actors.
type Reference interface {
	// ActorType is the name of the actor type on the wire. It must not depend on the value: it is called on zero values.
	ActorType() string
	embedTroupeRef() Ref // the name is what the compiler says of a struct without one
}

// binder is the pointer to a Reference, through which GetOrCreate and its siblings fill it in.
type binder[R any] interface {
	*R
	bind(Ref)
}

// GetOrCreate refers to an actor, which the first call creates if it does not exist. If the key is not valid (see
// [NewID]), calls fail.
func GetOrCreate[R Reference, P binder[R]](c Caller, key ...string) R {
	return refer[R, P](c, false, key)
}

// Get refers to an actor that must exist. If it does not, calls create nothing and return [ErrNotFound].
func Get[R Reference, P binder[R]](c Caller, key ...string) R {
	return refer[R, P](c, true, key)
}

// Self refers to the actor whose turn it is, for the turn to hand out, or to call once it is over. R must be the actor's
// own type, else calls fail.
func Self[R Reference, P binder[R]](c interface {
	Caller
	ID() ID
}) R {
	var ref R
	P(&ref).bind(Ref{caller: c, id: c.ID()})
	return ref
}

// Bind binds ref to a caller, for a reference that was decoded.
func Bind[R Reference, P binder[R]](c Caller, ref R) R {
	base := ref.embedTroupeRef()
	base.caller = c
	P(&ref).bind(base)
	return ref
}

func refer[R Reference, P binder[R]](c Caller, existing bool, key []string) R {
	var ref R
	id, err := NewID(ref.ActorType(), key...)
	P(&ref).bind(Ref{caller: c, id: id, existing: existing, err: err})
	return ref
}

// ID is the actor that r refers to. It is zero for the zero Ref and for a key that is not valid.
func (r Ref) ID() ID { return r.id }

// String is the actor as people see it: "inventory/main".
func (r Ref) String() string { return r.id.String() }

// toExisting is the reference to the same actor, which must exist.
func (r Ref) toExisting() Ref {
	r.existing = true
	return r
}

// existingMark ends the text of a reference by Get. No token has it.
const existingMark = "?"

// MarshalText returns the tokens of the actor's ID, which is how a reference is encoded, with a "?" at the end if it is by
// [Get]. It fails if the key is not valid.
func (r Ref) MarshalText() ([]byte, error) {
	text := []byte(r.id.Tokens())
	if r.existing {
		text = append(text, existingMark...)
	}
	return text, r.err
}

// UnmarshalText reads what MarshalText has written. The reference has no caller yet: see [Bind].
func (r *Ref) UnmarshalText(text []byte) error {
	*r = Ref{}
	if len(text) == 0 {
		return nil
	}
	tokens, existing := strings.CutSuffix(string(text), existingMark)
	id, err := ParseID(tokens)
	if err == nil {
		r.id, r.existing = id, existing
	}
	return err
}

func (r Ref) embedTroupeRef() Ref { return r } //nolint:unused // [Reference] has it

func (r *Ref) bind(base Ref) { *r = base }

// CallerKey is the key under which the context of an actor's turn has its [Caller], for references without one.
type CallerKey struct{}

// in returns the reference with the caller of a turn, if it has none.
func (r Ref) in(ctx context.Context) Ref {
	if r.caller == nil {
		r.caller, _ = ctx.Value(CallerKey{}).(Caller)
	}
	return r
}

// ready checks that calls can be made through r, as a reference to actorType.
func (r Ref) ready(actorType, what string) error {
	switch {
	case r.err != nil:
		return r.err
	case r.id.IsZero():
		return badInput("%s.%s: the reference is zero: make it by GetOrCreate or Get", actorType, what)
	case r.id.Type() != actorType:
		return badInput("%s.%s: the reference is to %s", actorType, what, r.id)
	case r.caller == nil:
		return badInput("%s.%s: the reference to %s has no caller: see troupe.Bind", actorType, what, r.id)
	}
	return nil
}

func (r Ref) invoke(ctx context.Context, actorType, action string, in, out any) error {
	r = r.in(ctx)
	if err := r.ready(actorType, action); err != nil {
		return err
	}
	return r.caller.Invoke(ctx, Invocation{ID: r.id, Action: action, Existing: r.existing, In: in, Out: out})
}

func (r Ref) tell(ctx context.Context, actorType, action string, in any) error {
	r = r.in(ctx)
	if err := r.ready(actorType, action); err != nil {
		return err
	}
	return r.caller.Invoke(ctx, Invocation{ID: r.id, Action: action, Existing: r.existing, In: in, Tell: true})
}

// create has a reference by Get, which never creates, do so all the same: this is what the call is for.
func (r Ref) create(ctx context.Context, actorType string, in any) error {
	r.existing = false
	return r.invoke(ctx, actorType, CreateAction, in, nil)
}

func (r Ref) listen(ctx context.Context, actorType string, l ListenRequest) (Subscription, error) {
	r = r.in(ctx)
	if err := r.ready(actorType, l.Event); err != nil {
		return nil, err
	}
	l.Actors = r.id.Actors()
	return r.caller.Listen(ctx, l)
}
