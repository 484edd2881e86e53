package actorhost

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync/atomic"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/figures"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/wire"
)

// Definition is an actor type that a host can run: [Define] returns one.
type Definition interface {
	// build checks the definition.
	build() (*actorType, error)
}

// ActorType implements the actors that R refers to with the state S. Its methods return changed copies, so that a
// definition reads as one expression.
type ActorType[R troupe.Reference, S any] struct {
	newState func() S
	handlers []Handler[R, S]
	events   []EventHandler[S]
	hooks    hooks
	loop     func(*beside) error
	config   TypeConfig

	broadcasts map[string]reflect.Type // the payloads of its events, as far as it says
}

// actorType is a definition without its type parameters.
type actorType struct {
	name    string
	actions map[string]*endpoint
	own     string // the names of its own actions, as an error shows them
	events  map[topic]eventAction
	queues  map[string]*queueHandler
	create  createHook  // nil without an on-create hook
	connect connectHook // nil without an on-connect hook
	hooks   hooks
	loop    func(*beside) error // nil without a run loop

	workflows  map[string]*workflow    // nil without any
	streams    map[string]produce      // the same
	broadcasts map[string]reflect.Type // the payloads of its events, as far as the program says
	config     TypeConfig
	newState   func() state
	maps       []codec.FieldApart // those of the state that are a Map
	beside     bool               // it has an action that may run beside turns

	others figures.Table // the counters of what is no action and no queue
	awake  []*activation // of this type; the mutex of the roster guards it

	largest    atomic.Int64 // bytes of the largest state that was to be stored
	lastWasNew atomic.Bool  // the last actor of this type to wake on this host had no record
}

// workflow is one that an actor type has.
type workflow struct {
	pass  func(b *beside, head record.WorkflowHead, steps []record.WorkflowStep, inRecord int) // runs its function from the beginning
	gives *endpoint                                                                            // what its result is
}

// produce runs what is behind a stream, until it is over.
type produce func(s *streaming, in input) error

// hook runs in a turn, with the actor's state.
type hook func(s any, c *Context) error

type hooks struct {
	wake, sleep, destroy hook
	gap                  func(s any, c *Context, gap troupe.Gap) error
	disconnect           func(s any, c *Context, conn *Connection) error
}

// Define declares an actor type. newState makes the state of a new actor. Each handler implements an action of R's
// contract, or is the on-create or the on-connect hook.
//
// S may change while actors live on. A field that is not in a stored state starts as newState makes it, or as zero if
// it is tagged omitempty. A stored field that S does not have, because a newer or an older program wrote it, stays in
// the record through all writes. A stored state that S cannot take, such as a number for a text, is
// troupe.CodeStateCorrupt and stays as it is: see "troupe state".
//
// From the end of a turn on, a time.Time in S is in UTC, and what is in an any is what decoding puts there: an int64 for
// an int, a []any for a []string. So an actor finds the same before and after sleep. A turn that leaves what could not
// be decoded again fails.
//
// The compiler checks that all handlers belong to the same R and S. An invalid name, or one used twice, is an error of
// [Start]; so is a state, an input or an output of a type that could not be decoded again, such as one with an
// interface that has methods, or a struct without exported fields: see package codec.
func Define[R troupe.Reference, S any](newState func() S, handlers ...Handler[R, S]) ActorType[R, S] {
	return ActorType[R, S]{newState: newState, handlers: handlers}
}

// OnWake sets a hook that runs at the start of each activation: before its first action, and after the on-create hook
// of a new actor. If it fails, the actor does not wake, and the waiting call gets the error.
func (t ActorType[R, S]) OnWake(f func(*S, *Context) error) ActorType[R, S] {
	t.hooks.wake = untypedHook(f)
	return t
}

// OnSleep sets a hook that runs when the actor falls asleep or its host stops. Its changes are stored. Its error is
// logged. It does not run when a host dies, so nothing essential may depend on it.
func (t ActorType[R, S]) OnSleep(f func(*S, *Context) error) ActorType[R, S] {
	t.hooks.sleep = untypedHook(f)
	return t
}

// OnDestroy sets a hook that runs after the action that called [Context.Destroy], in the same turn, also when that
// action is troupe.DestroyAction, called from outside. Its error becomes the action's, and the actor stays.
func (t ActorType[R, S]) OnDestroy(f func(*S, *Context) error) ActorType[R, S] {
	t.hooks.destroy = untypedHook(f)
	return t
}

// OnEvents adds handlers for the durable events that actors of the type subscribe to: see [OnEvent].
func (t ActorType[R, S]) OnEvents(handlers ...EventHandler[S]) ActorType[R, S] {
	t.events = append(slices.Clip(t.events), handlers...)
	return t
}

// OnGap sets a hook that runs when durable events are missing because the log dropped them before the actor read them.
// It runs before the handler of the next event, in the same turn. Without it the gap is logged.
func (t ActorType[R, S]) OnGap(f func(*S, *Context, troupe.Gap) error) ActorType[R, S] {
	t.hooks.gap = func(s any, c *Context, gap troupe.Gap) error { return f(s.(*S), c, gap) }
	return t
}

// OnDisconnect sets a hook that runs when a connection has ended: its program has closed it or is gone, the actor has
// disconnected it, or the actor falls asleep or changes hosts on purpose. Its error is logged. It does not run when the
// host dies.
func (t ActorType[R, S]) OnDisconnect(f func(*S, *Context, *Connection) error) ActorType[R, S] {
	t.hooks.disconnect = func(s any, c *Context, conn *Connection) error { return f(s.(*S), c, conn) }
	return t
}

// Broadcasts says which events actors of the type broadcast, for whoever asks for its contract: "troupe schema", and what is made
// of that. It changes nothing else: an actor may broadcast others.
func (t ActorType[R, S]) Broadcasts(events ...troupe.EventOf[R]) ActorType[R, S] {
	broadcasts := maps.Clone(t.broadcasts)
	if broadcasts == nil {
		broadcasts = make(map[string]reflect.Type, len(events))
	}
	for _, e := range events {
		broadcasts[e.Name()] = e.PayloadType()
	}
	t.broadcasts = broadcasts
	return t
}

// Config sets how the actors of the type run. The default is the zero TypeConfig.
func (t ActorType[R, S]) Config(config TypeConfig) ActorType[R, S] {
	t.config = config
	return t
}

func (t ActorType[R, S]) build() (*actorType, error) {
	var zero R
	built := &actorType{
		name:    zero.ActorType(),
		actions: make(map[string]*endpoint, len(t.handlers)+len(wire.Builtins)),
		events:  make(map[topic]eventAction, len(t.events)),
		hooks:   t.hooks,
		loop:    t.loop,
		config:  t.config.withDefaults(),

		broadcasts: t.broadcasts,
		newState:   func() state { return &typedState[S]{newState: t.newState, value: t.newState()} },
	}
	for _, name := range wire.Builtins {
		built.actions[name] = &endpoint{}
	}
	var errs []error
	fail := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("actor type %q: "+format, append([]any{built.name}, args...)...))
	}
	if err := troupe.CheckName("actor type", built.name); err != nil {
		errs = append(errs, err)
	}
	if t.config.SleepAfter < 0 || t.config.ActionTimeout < 0 || t.config.MailboxSize < 0 {
		fail("SleepAfter, ActionTimeout and MailboxSize must not be negative")
	}
	if len(t.handlers) == 0 && len(t.events) == 0 {
		fail("it has no handlers: give Define some by On, or use OnEvents")
	}
	for _, h := range t.handlers {
		if err := errors.Join(h.checkTypes(), h.addTo(built)); err != nil {
			fail("%w", err)
		}
	}
	for name, action := range built.actions {
		action.existing = action.existing || built.config.CreatedOnly && name != troupe.CreateAction
		built.beside = built.beside || action.beside
	}
	built.own = actionNames(maps.Keys(built.actions))
	for _, h := range t.events {
		at := topic{h.source, h.event}
		if built.events[at] != nil {
			fail("the event %q of %q has two handlers", h.event, h.source)
		}
		if err := codec.Check(h.takes); err != nil {
			fail("the payload of the event %q of %q: %w", h.event, h.source, err)
		}
		built.events[at] = h.run
	}
	for name, payload := range t.broadcasts {
		if err := codec.Check(payload); err != nil {
			fail("the payload of its event %q: %w", name, err)
		}
	}
	built.maps = mapsOf(reflect.TypeFor[S](), fail)
	if t.newState == nil {
		fail("it has no function that makes its state")
	} else if err := protect(func() error { _, err := built.newState().encode(nil); return err }); err != nil {
		fail("its state cannot be stored: %w", err)
	}
	return built, errors.Join(errs...)
}

// build checks the definitions and returns their types by name.
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

// usesLog reports whether a type needs the log of durable events and its index: for durable subscriptions, or for the marks
// of actors that come back by themselves.
func usesLog(types map[string]*actorType) bool { return followsEvents(types) || comeBack(types) }

// followsEvents reports whether a type has durable subscriptions.
func followsEvents(types map[string]*actorType) bool {
	return anyType(types, func(t *actorType) bool { return len(t.events) > 0 })
}

// comeBack reports whether actors of a type come back by themselves.
func comeBack(types map[string]*actorType) bool {
	return anyType(types, func(t *actorType) bool { return t.loop != nil || t.workflows != nil })
}

func anyType(types map[string]*actorType, has func(*actorType) bool) bool {
	for _, t := range types {
		if has(t) {
			return true
		}
	}
	return false
}
