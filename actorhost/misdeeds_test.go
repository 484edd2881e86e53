package actorhost_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/internal/wire"
)

// trap is an error with methods that panic.
type trap struct{ method string }

func (e trap) spring(method string) {
	if e.method == method {
		panic(method)
	}
}

func (e trap) Error() string { e.spring("Error"); return "a trap" }
func (e trap) Is(error) bool { e.spring("Is"); return false }
func (e trap) As(any) bool   { e.spring("As"); return false }
func (e trap) Unwrap() error { e.spring("Unwrap"); return nil }

// ringError and joinedRingError are errors that errors.Is never comes to the end of.
type (
	ringError       struct{}
	joinedRingError struct{}
)

func (ringError) Error() string           { return "me" }
func (e ringError) Unwrap() error         { return e }
func (joinedRingError) Error() string     { return "us" }
func (e joinedRingError) Unwrap() []error { return []error{e, e} }

func noError() error            { var none *troupe.Error; return none }
func (e trap) String() string   { return e.Error() }
func (e trap) GoString() string { return e.Error() }

// misdeeds are what no host may die of.
var misdeeds = map[string]func() error{
	"panic":                  func() error { panic("out of luck") },
	"panic nil":              func() error { panic(nil) },
	"panic trap":             func() error { panic(trap{"Error"}) },
	"panic nil error":        func() error { panic(noError()) },
	"Goexit":                 func() error { runtime.Goexit(); return nil },
	"error trap":             func() error { return trap{"Error"} },
	"Is trap":                func() error { return trap{"Is"} },
	"As trap":                func() error { return trap{"As"} },
	"Unwrap trap":            func() error { return trap{"Unwrap"} },
	"joined trap":            func() error { return errors.Join(noError(), trap{"As"}) },
	"nil error in a text":    func() error { return fmt.Errorf("saving: %w", noError()) },
	"nil error with another": func() error { return errors.Join(noError(), errors.New("full")) },
	"wraps itself":           func() error { return ringError{} },
	"joins itself":           func() error { return joinedRingError{} },
	"nil error":              noError,
	"joined nil errors":      func() error { return errors.Join(noError(), errors.Join(noError())) },
}

// meansNoError are the misdeeds that are a success.
var meansNoError = []string{"nil error", "joined nil errors"}

// ambush is a misdeed that waits at a place for its first visitor.
type ambush struct {
	place  string
	do     func() error
	struck chan struct{} // closed once it was visited
}

// laid is the ambush of the test that runs: methods of values know no other way to it.
var laid atomic.Pointer[ambush]

// visit does the misdeed that waits at a place, if any.
func visit(place string) error {
	a := laid.Load()
	if a == nil || a.place != place || !laid.CompareAndSwap(a, nil) {
		return nil
	}
	close(a.struck)
	return a.do()
}

// token is a text with methods of its own.
type token string

func (k token) MarshalText() ([]byte, error) { return []byte(k), visit("encode " + string(k)) }
func (k *token) UnmarshalText(text []byte) error {
	*k = token(text)
	return visit("decode " + string(text))
}
func (k token) LogValue() slog.Value {
	_ = visit("log " + string(k))
	return slog.StringValue(string(k))
}

type tokenKey string

func (k tokenKey) MarshalText() ([]byte, error) { return []byte(k), visit("encode " + string(k)) }
func (k *tokenKey) UnmarshalText(text []byte) error {
	*k = tokenKey(text)
	return nil
}

// mannedHandler visits the place "handler" before each line.
type mannedHandler struct{ slog.Handler }

func (h mannedHandler) Handle(ctx context.Context, r slog.Record) error {
	if err := visit("handler"); err != nil {
		return err
	}
	return h.Handler.Handle(ctx, r)
}

func (h mannedHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return mannedHandler{h.Handler.WithAttrs(attrs)}
}

// A victim lets strangers in everywhere. Whoever comes changes its value by 1,000 before.
type victim struct{ troupe.Ref }

func (victim) ActorType() string { return "victim" }

var (
	enterVictim = troupe.NewConnector[victim, string]()
	victimAct   = troupe.NewAction[victim, string, map[string]any]("act")
	victimTake  = troupe.NewAction[victim, token, troupe.None]("take")
	victimValue = troupe.NewAction[victim, troupe.None, int]("value")
	victimFired = troupe.NewEvent[victim, token]("fired")
	victimSpoke = troupe.NewDurableEvent[victim, string]("spoke")
)

type victimState struct {
	Value int   `json:"value"`
	Token token `json:"token"`
}

func (s *victimState) visited(place string) error {
	if a := laid.Load(); a != nil && a.place == place {
		s.Value += 1000
	}
	return visit(place)
}

func victims() actorhost.ActorType[victim, victimState] {
	return actorhost.Define(func() victimState { _ = visit("newState"); return victimState{Token: "state"} },
		actorhost.On(victimAct, (*victimState).act),
		actorhost.On(victimTake, actorhost.NoOut(func(*victimState, *actorhost.Context, token) error { return nil })),
		actorhost.On(victimValue, actorhost.NoIn(func(s *victimState, _ *actorhost.Context) (int, error) { return s.Value, nil })),
		actorhost.OnConnect(enterVictim, func(s *victimState, _ *actorhost.Context, _ *actorhost.Connection, _ string) error {
			return s.visited("connect")
		}),
		actorhost.OnCreate(troupe.NewConstructor[victim, int](), func(s *victimState, _ *actorhost.Context, _ int) error {
			return s.visited("create")
		}),
	).OnWake(func(s *victimState, _ *actorhost.Context) error { return s.visited("wake") }).
		OnSleep(func(s *victimState, _ *actorhost.Context) error { return s.visited("sleep") }).
		OnDestroy(func(s *victimState, _ *actorhost.Context) error { return s.visited("destroy") }).
		OnDisconnect(func(s *victimState, _ *actorhost.Context, _ *actorhost.Connection) error {
			return s.visited("disconnect")
		}).
		OnEvents(actorhost.OnEvent(victimSpoke, func(s *victimState, _ *actorhost.Context, _ string) error { return s.visited("durable event") }))
}

// act does what it is told, after it has changed its value.
func (s *victimState) act(c *actorhost.Context, what string) (map[string]any, error) {
	other := troupe.GetOrCreate[victim](c, "other "+c.Key()[0])
	if err := s.visited("action"); err != nil {
		return nil, err
	}
	switch what {
	case "write":
		s.Value += 1000
	case "output":
		s.Value += 1000
		return map[string]any{"token": token("output")}, nil
	case "key":
		s.Value += 1000
		return map[string]any{"keys": map[tokenKey]int{"key": 1}}, nil
	case "broadcast":
		s.Value += 1000
		return nil, victimFired.Broadcast(c, "event")
	case "metadata":
		s.Value += 1000
		return nil, troupe.NewError("full", "no room").With("token", token("metadata"))
	case "log":
		c.Logger().Info("a line", slog.Any("value", token("value")))
	case "listen":
		_, err := victimFired.Subscribe(c, other, func(context.Context, token) error { return s.visited("event") },
			troupe.OnGap(func(context.Context, troupe.Gap) error { return s.visited("gap") }))
		return nil, err
	case "follow":
		return nil, victimSpoke.SubscribeDurable(c, other)
	case "speak":
		return nil, victimSpoke.Broadcast(c, "hear")
	}
	return nil, nil
}

// scene is one victim and those around it.
type scene struct {
	*testing.T
	bus        *hosttest.Bus
	ref, other victim
}

func (s *scene) act(what string) error { return call(s.Context(), victimAct, s.ref, what) }
func (s *scene) value() (int, error)   { return victimValue.Call(s.Context(), s.ref, nil) }
func (s *scene) builtin(name string) error {
	return s.bus.Client.Invoke(s.Context(), troupe.Invocation{ID: s.ref.ID(), Action: name})
}

func (s *scene) sleep() { require.NoError(s, s.builtin(troupe.SleepAction)) }

// place is where code of an actor runs.
type place struct {
	prepare func(*scene)
	visit   func(*scene) error
	// told: the caller gets the error. Else it gets what it would get anyway, or internal from a Goexit.
	told  bool
	codes []troupe.Code // other than internal
	left  int           // the value when the misdeed has meant no error
}

func actTo(what string) func(*scene) error { return func(s *scene) error { return s.act(what) } }

func wakes(s *scene) error { _, err := s.value(); return err }

var places = map[string]place{
	"action":  {visit: actTo(""), told: true, left: 1000},
	"create":  {prepare: func(s *scene) { require.NoError(s, s.builtin(troupe.DestroyAction)) }, visit: wakes, told: true, left: 1000},
	"wake":    {prepare: (*scene).sleep, visit: wakes, told: true, left: 1000},
	"sleep":   {visit: func(s *scene) error { return s.builtin(troupe.SleepAction) }, left: 1000},
	"destroy": {visit: func(s *scene) error { return s.builtin(troupe.DestroyAction) }, told: true},
	"connect": {visit: func(s *scene) error {
		conn, err := enterVictim.Connect(s.Context(), s.ref, "")
		if err == nil {
			defer func() { require.NoError(s, conn.Close(s.Context())) }()
		}
		return err
	}, told: true, left: 1000},
	"disconnect": {visit: func(s *scene) error {
		now := laid.Swap(nil)
		conn, err := enterVictim.Connect(s.Context(), s.ref, "")
		require.NoError(s, err)
		laid.Store(now)
		_ = conn.Close(s.Context())
		return nil
	}, left: 1000},
	"event": {prepare: func(s *scene) { require.NoError(s, s.act("listen")) }, visit: func(s *scene) error {
		return call(s.Context(), victimAct, s.other, "broadcast")
	}, left: 1000},
	"gap": {prepare: func(s *scene) { require.NoError(s, s.act("listen")) }, visit: func(s *scene) error {
		nc := s.bus.Connect()
		for _, position := range []string{"1.1", "1.3"} {
			msg := nats.NewMsg("troupe.event." + s.other.ID().Tokens() + ".fired")
			msg.Header.Set(wire.HeaderEvent, position)
			msg.Data = []byte("\xa1x")
			require.NoError(s, nc.PublishMsg(msg))
		}
		return nil
	}, left: 1000},
	"durable event": {prepare: func(s *scene) { require.NoError(s, s.act("follow")) }, visit: func(s *scene) error {
		return call(s.Context(), victimAct, s.other, "speak")
	}, left: 1000},
	"newState":        {prepare: (*scene).sleep, visit: wakes, told: true},
	"decode state":    {prepare: (*scene).sleep, visit: wakes, told: true, codes: []troupe.Code{troupe.CodeStateCorrupt}},
	"encode state":    {visit: actTo("write"), told: true},
	"encode output":   {visit: actTo("output"), told: true},
	"encode key":      {visit: actTo("key"), told: true},
	"encode event":    {visit: actTo("broadcast"), told: true},
	"encode metadata": {visit: actTo("metadata"), told: true, codes: []troupe.Code{"full"}},
	"decode input": {visit: func(s *scene) error { return s.take("input") }, told: true,
		codes: []troupe.Code{troupe.CodeBadInput}},
	"log value": {visit: actTo("log")},
	"handler":   {visit: actTo("log")},
}

// take sends a text as another program does: a Go client would try the methods of its own token first.
func (s *scene) take(text string) error {
	return troupe.Actor(s.bus.Client, "victim", s.ref.ID().Key()...).Call(s.Context(), "take", text, nil)
}

// TestNoMisdeedHarmsAnybodyElse walks all places with all misdeeds. The caller is told, the state is as before, the actor,
// its neighbours and the host go on. That no goroutine is left is for the package to say.
func TestNoMisdeedHarmsAnybodyElse(t *testing.T) {
	b := hosttest.Start(t)
	host := b.HostWith(actorhost.Config{Logger: slog.New(mannedHandler{slog.NewTextHandler(t.Output(), nil)})}, victims(), counters())
	id, neighbour := host.ID(), troupe.GetOrCreate[counter](b.Client, "neighbour")
	calls := 0
	for where, p := range places {
		for what, misdeed := range misdeeds {
			t.Run(where+"/"+what, func(t *testing.T) {
				key := where + what
				s := &scene{t, b, troupe.GetOrCreate[victim](b.Client, key), troupe.GetOrCreate[victim](b.Client, "other "+key)}
				_, err := s.value()
				require.NoError(t, err)
				if p.prepare != nil {
					p.prepare(s)
				}
				a := &ambush{where, misdeed, make(chan struct{})}
				laid.Store(a)
				err = p.visit(s)
				select {
				case <-a.struck:
				case <-time.After(30 * time.Second):
					require.Fail(t, "nobody came by")
				}
				means := slices.Contains(meansNoError, what)
				check(t, p, means, what, err)
				got, err := s.value()
				require.NoError(t, err)
				if means {
					require.Equal(t, p.left, got)
				} else {
					require.Zero(t, got)
				}
				calls++
				sum, err := add.Call(t.Context(), neighbour, 1)
				require.NoError(t, err)
				require.Equal(t, calls, sum)
				require.Equal(t, id, host.ID())
			})
		}
	}
}

func check(t *testing.T, p place, means bool, what string, err error) {
	t.Helper()
	switch {
	case err == nil:
		require.True(t, means || !p.told || what != "Goexit" && p.codes == nil, "nobody was told")
	case means && p.codes == nil && p.left > 0:
		require.NoError(t, err)
	default:
		var coded *troupe.Error
		require.ErrorAs(t, err, &coded)
		require.Contains(t, append(slices.Clone(p.codes), troupe.CodeInternal), coded.Code)
		require.False(t, coded.Retryable)
	}
}
