package actorhost_test

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
)

// counter is the actor type of most tests: its contract first, its implementation below.
type counter struct{ troupe.Ref }

func (counter) ActorType() string { return "counter" }

type where struct {
	Type  string   `json:"type"`
	Key   []string `json:"key"`
	Host  string   `json:"host"`
	Epoch uint64   `json:"epoch"`
}

var (
	add     = troupe.NewAction[counter, int, int]("add")
	get     = troupe.NewAction[counter, troupe.None, int]("get")
	hidden  = troupe.NewAction[counter, int, int]("hidden")
	whereIs = troupe.NewAction[counter, troupe.None, where]("whereIs")
	fail    = troupe.NewAction[counter, string, troupe.None]("fail")
	pad     = troupe.NewAction[counter, int, troupe.None]("pad")
	padded  = troupe.NewAction[counter, troupe.None, int]("padded")
	reply   = troupe.NewAction[counter, int, []byte]("reply")
	slow    = troupe.NewAction[counter, time.Duration, troupe.None]("slow")
	destroy = troupe.NewAction[counter, troupe.None, troupe.None]("destroy")
	relay   = troupe.NewAction[counter, []string, troupe.None]("relay")

	errRefused = troupe.NewError("refused", "we do not like it").With("left", 3)
)

type counterState struct {
	Value int            `json:"value"`
	Tags  map[string]int `json:"tags,omitempty"`
	Pad   []byte         `json:"pad,omitempty"`

	hidden int `json:"-"` // lost in sleep, on purpose
}

// activations counts how often states were made or loaded, over all hosts of a test process.
var activations atomic.Int64

func counters() actorhost.ActorType[counter, counterState] {
	return actorhost.Define(func() counterState { activations.Add(1); return counterState{} },
		actorhost.On(add, (*counterState).add),
		actorhost.On(get, actorhost.NoIn((*counterState).get)),
		actorhost.On(hidden, func(s *counterState, _ *actorhost.Context, n int) (int, error) { s.hidden += n; return s.hidden, nil }),
		actorhost.On(whereIs, actorhost.NoIn((*counterState).whereIs)),
		actorhost.On(fail, actorhost.NoOut((*counterState).fail)),
		actorhost.On(pad, actorhost.NoOut(func(s *counterState, _ *actorhost.Context, n int) error { s.Pad = make([]byte, n); return nil })),
		actorhost.On(padded, actorhost.NoIn(func(s *counterState, _ *actorhost.Context) (int, error) { return len(s.Pad), nil })),
		actorhost.On(reply, func(s *counterState, _ *actorhost.Context, n int) ([]byte, error) {
			s.Value++
			return make([]byte, n), nil
		}),
		actorhost.On(slow, actorhost.NoOut((*counterState).slow)),
		actorhost.On(destroy, actorhost.NoInNoOut(func(_ *counterState, c *actorhost.Context) error { c.Destroy(); return nil })),
		actorhost.On(relay, actorhost.NoOut((*counterState).relay)),
	)
}

func (s *counterState) add(_ *actorhost.Context, n int) (int, error) {
	s.Value += n
	return s.Value, nil
}

func (s *counterState) get(*actorhost.Context) (int, error) { return s.Value, nil }

func (s *counterState) whereIs(c *actorhost.Context) (where, error) {
	return where{Type: c.Type(), Key: c.Key(), Host: c.HostID(), Epoch: c.Epoch()}, nil
}

// fail changes the state and then fails in the way that it is told.
func (s *counterState) fail(_ *actorhost.Context, how string) error {
	s.Value += 1000
	s.Tags = map[string]int{"touched": 1}
	switch how {
	case "user":
		return errRefused
	case "panic":
		panic("out of luck")
	default:
		return errors.New(how)
	}
}

// slow takes its time, and more than that of its caller if need be.
func (s *counterState) slow(_ *actorhost.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	<-timer.C
	s.Value++
	return nil
}

// relay calls the counters named, each from the one before, and the last one's fail action with "user".
func (s *counterState) relay(c *actorhost.Context, path []string) error {
	s.Value++
	if len(path) == 0 {
		_, err := fail.Call(c, troupe.GetOrCreate[counter](c, "failing"), "user")
		return err
	}
	_, err := relay.Call(c, troupe.GetOrCreate[counter](c, path[0]), path[1:])
	return err
}

// call is Action.Call without a result worth having.
func call[R troupe.Reference, In, Out any](ctx context.Context, a troupe.Action[R, In, Out], ref R, in In) error {
	_, err := a.Call(ctx, ref, in)
	return err
}
