package actorhost

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/wire"
)

// Handler implements one action, one queue, the on-create hook or the on-connect hook of the actors that R refers to, on the
// state S.
type Handler[R troupe.Reference, S any] struct {
	name      string
	run       action
	create    createHook
	connect   connectHook
	flow      *workflow
	results   reflect.Type           // of a workflow
	register  func(*actorType) error // of what is neither: a queue
	takes     reflect.Type           // the input
	gives     reflect.Type           // the output; nil for hooks
	produce   produce                // of a stream
	items     reflect.Type           // the same
	existing  bool
	readOnly  bool
	beside    bool // turns
	reentrant bool
}

// IfExists has the action create no actor: a call to one that does not exist fails with troupe.CodeNotFound, and stores nothing.
// It is for actions that only look. Of an on-create hook, or a queue, it is an error of [Start].
func (h Handler[R, S]) IfExists() Handler[R, S] {
	h.existing = true
	return h
}

// ReadOnly declares that the action changes nothing: neither the state, nor, by what it calls on its Context, what is stored
// with that or sent when it is. So its turn costs no more for a large state than for a small one, and starts no write.
//
// It may read, and call other actors. To broadcast, push, tell, schedule, subscribe, disconnect or destroy is an error in it. It must not
// change unexported fields either. What it does to the state nevertheless is found in tests with package hosttest, and in production
// in one of 64 calls or fewer: then the call fails, and the state is again what it was.
//
// Called for an actor that does not exist, it gets a new state and creates nothing, unless the type has a hook on create or
// on wake: then the actor is created as by any call. With [Handler.IfExists] the call fails instead.
//
// Only an action can be read-only: a hook, a queue or a workflow that is declared so is an error of [Start].
func (h Handler[R, S]) ReadOnly() Handler[R, S] {
	h.readOnly = true
	return h
}

// BesideTurns is [Handler.ReadOnly] for an action that does not wait for what changes the actor. While another action, hook or event
// handler runs, or waits before it, the action runs at once, beside that, on a copy of the state that was stored last. Else it runs as any
// read-only action. It is for actors whose turns take long, because they call others.
//
// What it reads is stored, and never older than a change whose call was answered before this one was made. It may be older than what the
// running turn has made of the state, and than changes that are on their way to the store.
//
// The copy has what is stored: unexported fields are those of a new state, whatever a hook on wake has made of them. A Map and the
// actor's own schedules may not be read. A copy is made for each stored state that is read, and shared by its reads, so it costs
// memory and time in proportion to the state.
//
// A call with a request id that comes again reads again, and may be answered otherwise.
//
// So many run at a time: 256 of an actor and 4,096 of a host. Beyond, one waits for its turn as any read-only action.
func (h Handler[R, S]) BesideTurns() Handler[R, S] {
	h.readOnly, h.beside = true, true
	return h
}

// Reentrant is [Handler.BesideTurns] for an action that may be called by what the actor itself has called and waits for. Without it such a
// call is troupe.CodeCallCycle. It reads the state as it was stored before the turn that waits, never what that has changed.
//
// It is troupe.CodeCallCycle all the same while a hook on create or wake waits for it, or the read of an actor that does not exist,
// and troupe.CodeOverloaded beyond the limits of BesideTurns.
func (h Handler[R, S]) Reentrant() Handler[R, S] {
	h.reentrant = true
	return h.BesideTurns()
}

// checkTypes refuses an input or output that could not be encoded, or not be decoded again.
func (h *Handler[R, S]) checkTypes() error {
	for what, t := range map[string]reflect.Type{"input": h.takes, "output": h.gives, "result": h.results, "items": h.items} {
		if t == nil {
			continue
		}
		if err := codec.Check(t); err != nil {
			return fmt.Errorf("the %s of %q: %w", what, h.name, err)
		}
	}
	return nil
}

// addTo adds the handler to its type, unless the type has it already.
func (h *Handler[R, S]) addTo(t *actorType) error {
	switch _, twice := t.actions[h.name]; {
	case h.existing && (h.register != nil || h.create != nil):
		return fmt.Errorf("IfExists is for actions, which %q is not", h.name)
	case h.readOnly && (h.run == nil && h.name != "" || h.flow != nil || h.items != nil):
		return fmt.Errorf("ReadOnly is for actions that start no workflow and no stream, and %q is none", h.name)
	case h.register != nil:
		return h.register(t)
	case h.create != nil && t.create != nil:
		return errors.New("it has two on-create hooks")
	case h.create != nil:
		t.create = h.create
		t.actions[troupe.CreateAction].takes = h.takes
		return nil
	case h.connect != nil && t.connect != nil:
		return errors.New("it has two on-connect hooks")
	case h.connect != nil:
		t.connect = h.connect
		t.actions[wire.ConnectAction].takes, t.actions[wire.ConnectAction].existing = h.takes, h.existing
		return nil
	case h.run == nil:
		return fmt.Errorf("the action %q has no handler", h.name)
	case twice || t.queues[h.name] != nil:
		return fmt.Errorf("the action %q is registered twice", h.name)
	}
	if h.flow != nil {
		if t.workflows == nil {
			t.workflows = make(map[string]*workflow, 1)
		}
		h.flow.gives = &endpoint{gives: h.results}
		t.workflows[h.name] = h.flow
	}
	if h.produce != nil {
		if t.streams == nil {
			t.streams = make(map[string]produce, 1)
		}
		t.streams[h.name] = h.produce
	}
	t.actions[h.name] = &endpoint{run: h.run, takes: h.takes, gives: h.gives, items: h.items, existing: h.existing,
		readOnly: h.readOnly, beside: h.beside, reentrant: h.reentrant}
	return troupe.CheckName("action", h.name)
}

// action decodes its input, runs, and appends the encoding of its output to dst.
type action func(s any, c *Context, in input, dst []byte) ([]byte, error)

// createHook is an on-create hook. If the actor was not created with an input, given is false and the hook gets the
// zero value.
type createHook func(s any, c *Context, in input, given bool) error

// input is the input of a call.
type input struct {
	body  []byte
	as    codec.Codec
	value any // a pointer to it, if it is decoded already
}

func decodeInto[In any](c *Context, in input, into *In) error {
	if value, ok := in.value.(*In); ok {
		*into = *value
		return nil
	}
	if err := in.as.Unmarshal(in.body, into); err != nil {
		c.misread = true
		return errs.New(troupe.CodeBadInput, "%s.%s: %.500s; it takes: %s", c.a.id, c.turn.action, err, // which may quote the whole input
			shapeOf(reflect.TypeFor[In]()))
	}
	return nil
}

// On implements an action with a method of the state. For an action without input or output, wrap the method in [NoIn],
// [NoOut] or [NoInNoOut]; the names of f's parameters are for the compiler to remind of it.
func On[R troupe.Reference, S, In, Out any](
	a troupe.Action[R, In, Out], f func(state *S, c *Context, inputElseNoIn In) (outputElseNoOut Out, err error),
) Handler[R, S] {
	if f == nil {
		return Handler[R, S]{name: a.Name()}
	}
	run := func(s any, c *Context, in input, dst []byte) ([]byte, error) {
		var arg In
		if err := decodeInto(c, in, &arg); err != nil {
			return nil, err
		}
		out, err := f(s.(*S), c, arg)
		if err := meant(err); err != nil {
			return nil, err
		}
		if dst, err = in.as.Append(dst, codec.Filled(out)); err != nil {
			return nil, fmt.Errorf("encoding the output: %w", err)
		}
		return dst, nil
	}
	return Handler[R, S]{name: a.Name(), run: run, takes: reflect.TypeFor[In](), gives: reflect.TypeFor[Out]()}
}

// destroy runs troupe.DestroyAction.
func destroy(_ any, c *Context, in input, dst []byte) ([]byte, error) {
	c.Destroy()
	return in.as.Append(dst, troupe.None(nil))
}

// OnCreate implements the creation of an actor with an input. f runs once in the actor's life, before anything else. If
// another call creates the actor, f gets the zero In. If f fails, there is no actor.
func OnCreate[R troupe.Reference, S, In any](_ troupe.Constructor[R, In], f func(*S, *Context, In) error) Handler[R, S] {
	takes := reflect.TypeFor[In]()
	return Handler[R, S]{name: troupe.CreateAction, takes: takes, create: func(s any, c *Context, in input, given bool) error {
		var arg In
		if given {
			if err := decodeInto(c, in, &arg); err != nil {
				return err
			}
		}
		return f(s.(*S), c, arg)
	}}
}

// NoIn adapts a method without input to [On].
func NoIn[S, Out any](f func(*S, *Context) (Out, error)) func(*S, *Context, troupe.None) (Out, error) {
	return func(s *S, c *Context, _ troupe.None) (Out, error) { return f(s, c) }
}

// NoOut adapts a method without output to [On].
func NoOut[S, In any](f func(*S, *Context, In) error) func(*S, *Context, In) (troupe.None, error) {
	return func(s *S, c *Context, in In) (troupe.None, error) { return nil, f(s, c, in) }
}

// NoInNoOut adapts a method without input and output to [On].
func NoInNoOut[S any](f func(*S, *Context) error) func(*S, *Context, troupe.None) (troupe.None, error) {
	return func(s *S, c *Context, _ troupe.None) (troupe.None, error) { return nil, f(s, c) }
}

func untypedHook[S any](f func(*S, *Context) error) hook {
	return func(s any, c *Context) error { return f(s.(*S), c) }
}
