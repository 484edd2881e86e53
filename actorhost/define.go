package actorhost

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

// Definition is one actor type that a host can run: what [Define] returns.
type Definition interface {
	// build checks the definition.
	build() (*actorType, error)
}

// ActorType is the implementation S of the actors that R refers to. Its methods return changed copies, so that a
// definition reads as one expression.
type ActorType[R troupe.Reference, S any] struct {
	newState func() S
	handlers []Handler[R, S]
	events   []EventHandler[S]
	hooks    hooks
	config   TypeConfig
}

// actorType is a definition without its types, as the host's core works with it.
type actorType struct {
	name     string
	actions  map[string]*endpoint
	events   map[topic]eventAction
	create   createHook  // nil without an on-create hook
	connect  connectHook // nil without an on-connect hook
	hooks    hooks
	config   TypeConfig
	newState func() state

	lastWasNew atomic.Bool // the last actor that came to life on this host had no record
}

// hook runs in a turn of an actor whose state is given.
type hook func(s any, c *Context) error

type hooks struct {
	wake, sleep, destroy hook
	gap                  func(s any, c *Context, gap troupe.Gap) error
	disconnect           func(s any, c *Context, conn *Connection) error
}

// Define declares an actor type: newState makes the state that a new actor starts with, and each handler implements
// an action of R's contract or is the on-create hook.
//
// S may change while actors live on. A field that a stored state does not have yet starts as newState makes it, unless
// it is tagged omitempty: then as zero. A field that a stored state has and S has not, because a newer or an older
// program has it, stays in the record through all writes. A stored state that S cannot take, a number where there was a
// text, is troupe.CodeStateCorrupt and stays as it is: see "troupe state".
//
// The compiler checks that all handlers belong to the same R and S; what it cannot check, a name that is not valid or
// used twice, is an error of [Start].
func Define[R troupe.Reference, S any](newState func() S, handlers ...Handler[R, S]) ActorType[R, S] {
	return ActorType[R, S]{newState: newState, handlers: handlers}
}

// OnWake has f run at the start of each activation, before its first action, and after the on-create hook of a new
// actor. Calls that wait get its error, and the actor is not awake then.
func (t ActorType[R, S]) OnWake(f func(*S, *Context) error) ActorType[R, S] {
	t.hooks.wake = untypedHook(f)
	return t
}

// OnSleep has f run when the actor falls asleep or its host stops: what it changes is stored. Its error is logged. It
// does not run when a host dies, so nothing may depend on it that must not be lost.
func (t ActorType[R, S]) OnSleep(f func(*S, *Context) error) ActorType[R, S] {
	t.hooks.sleep = untypedHook(f)
	return t
}

// OnDestroy has f run in the turn that called [Context.Destroy], after its action, or that was called from outside to
// destroy the actor (troupe.DestroyAction). Its error is the action's: the actor then stays.
func (t ActorType[R, S]) OnDestroy(f func(*S, *Context) error) ActorType[R, S] {
	t.hooks.destroy = untypedHook(f)
	return t
}

// Events has the handlers handle the durable events that an actor of the type subscribes to: see [OnEvent].
func (t ActorType[R, S]) Events(handlers ...EventHandler[S]) ActorType[R, S] {
	t.events = append(slices.Clip(t.events), handlers...)
	return t
}

// OnGap has f run before the handler of a durable event, in the same turn, when earlier ones are missing: the log had
// dropped them before the actor came to them. Without it that is logged.
func (t ActorType[R, S]) OnGap(f func(*S, *Context, troupe.Gap) error) ActorType[R, S] {
	t.hooks.gap = func(s any, c *Context, gap troupe.Gap) error { return f(s.(*S), c, gap) }
	return t
}

// OnDisconnect has f run when a connection of an actor has ended: its program has closed it or is gone, the actor has
// disconnected it, or the actor falls asleep or changes hosts on purpose. Its error is logged. It does not run when the
// host dies.
func (t ActorType[R, S]) OnDisconnect(f func(*S, *Context, *Connection) error) ActorType[R, S] {
	t.hooks.disconnect = func(s any, c *Context, conn *Connection) error { return f(s.(*S), c, conn) }
	return t
}

// Config sets how the actors of the type run. Without it they run by the zero TypeConfig.
func (t ActorType[R, S]) Config(config TypeConfig) ActorType[R, S] {
	t.config = config
	return t
}

func (t ActorType[R, S]) build() (*actorType, error) {
	var zero R
	built := &actorType{
		name:     zero.ActorType(),
		actions:  make(map[string]*endpoint, len(t.handlers)+len(wire.Builtins)),
		events:   make(map[topic]eventAction, len(t.events)),
		hooks:    t.hooks,
		config:   t.config.withDefaults(),
		newState: func() state { return &typedState[S]{newState: t.newState, value: t.newState()} },
	}
	for _, name := range wire.Builtins {
		built.actions[name] = &endpoint{}
	}
	built.actions[troupe.DestroyAction].run = destroy
	var errs []error
	fail := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("actor type %q: "+format, append([]any{built.name}, args...)...))
	}
	if err := troupe.CheckName("actor type", built.name); err != nil {
		errs = append(errs, err)
	}
	if t.config.SleepAfter < 0 || t.config.ActionTimeout < 0 || t.config.Mailbox < 0 {
		fail("SleepAfter, ActionTimeout and Mailbox must not be negative")
	}
	for _, h := range t.handlers {
		switch _, twice := built.actions[h.name]; {
		case h.create != nil && built.create != nil:
			fail("it has two on-create hooks")
		case h.create != nil:
			built.create = h.create
		case h.connect != nil && built.connect != nil:
			fail("it has two on-connect hooks")
		case h.connect != nil:
			built.connect = h.connect
		case h.run == nil:
			fail("the action %q has no handler", h.name)
		case twice:
			fail("the action %q is registered twice", h.name)
		default:
			if err := troupe.CheckName("action", h.name); err != nil {
				fail("%w", err)
			}
			built.actions[h.name] = &endpoint{run: h.run}
		}
	}
	for _, h := range t.events {
		at := topic{h.source, h.event}
		if built.events[at] != nil {
			fail("the event %q of %q has two handlers", h.event, h.source)
		}
		built.events[at] = h.run
	}
	if t.newState == nil {
		fail("it has no function that makes its state")
	} else if _, err := built.newState().encode(nil); err != nil {
		fail("its state cannot be stored: %w", err)
	}
	return built, errors.Join(errs...)
}

// build checks definitions, and returns their types by name.
func build(definitions []Definition) (map[string]*actorType, error) {
	if len(definitions) == 0 {
		return nil, errors.New("a host needs an actor type to run")
	}
	types := make(map[string]*actorType, len(definitions))
	var errs []error
	for _, definition := range definitions {
		t, err := definition.build()
		if _, twice := types[t.name]; twice {
			err = fmt.Errorf("actor type %q: it is defined twice", t.name)
		}
		types[t.name] = t
		errs = append(errs, err)
	}
	return types, errors.Join(errs...)
}
