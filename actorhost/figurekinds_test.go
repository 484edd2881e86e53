package actorhost_test

import (
	"context"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/internal/wire"
)

// A Juggler does everything that an actor can do.
type Juggler struct{ troupe.Ref }

func (Juggler) ActorType() string { return "juggler" }

var (
	Throw   = troupe.NewAction[Juggler, troupe.None, troupe.None]("throw") // begins all of it
	Land    = troupe.NewAction[Juggler, troupe.None, troupe.None]("land")
	Catch   = troupe.NewQueue[Juggler, string]("catch")
	Perform = troupe.NewWorkflow[Juggler, string, string]("show")
	Cheered = troupe.NewEvent[Juggler, string]("cheered")
	Praised = troupe.NewDurableEvent[Juggler, string]("praised")
)

type jugglerState struct{ Walked bool }

func (*jugglerState) throw(c *actorhost.Context) error {
	self := troupe.Self[Juggler](c)
	if _, err := Land.After(c, time.Millisecond, nil); err != nil {
		return err
	}
	_, err := Cheered.Subscribe(c, self, func(context.Context, string) error { return nil })
	if err != nil {
		return err
	}
	if err := Praised.SubscribeDurable(c, self); err != nil {
		return err
	}
	if err := Catch.Push(c, self, "ball"); err != nil {
		return err
	}
	return Praised.Broadcast(c, "bravo")
}

func jugglers(until <-chan struct{}) actorhost.Definition {
	return actorhost.Define(func() jugglerState { return jugglerState{} },
		actorhost.On(Throw, actorhost.NoInNoOut((*jugglerState).throw)),
		actorhost.On(Land, actorhost.NoInNoOut(func(_ *jugglerState, c *actorhost.Context) error { return Cheered.Broadcast(c, "hurray") })),
		actorhost.OnQueue(Catch, func(*jugglerState, *actorhost.Context, string) error { return nil }),
		actorhost.OnWorkflow(Perform, func(w *actorhost.Flow[jugglerState], in string) (string, error) {
			return actorhost.Step(w, "fire", func(*actorhost.StepContext) (string, error) { waitUntil(until); return in, nil })
		}),
	).OnEvents(actorhost.OnEvent(Praised, func(*jugglerState, *actorhost.Context, string) error { return nil })).
		OnWake(func(*jugglerState, *actorhost.Context) error { return nil }).
		Loop(func(l *actorhost.Loop[jugglerState]) error {
			return l.Turn(func(s *jugglerState, _ *actorhost.Context) error { s.Walked = true; return nil })
		})
}

func TestAllKindsOfTurnsAreCounted(t *testing.T) {
	t.Parallel()
	until, b := make(chan struct{}), hosttest.Start(t)
	host, nc := b.Host(jugglers(until)), b.Connect()
	ref := troupe.GetOrCreate[Juggler](b.Client, "j")
	require.NoError(t, Perform.Start(t.Context(), ref, "fire"))
	require.NoError(t, call(t.Context(), Throw, ref, nil))

	long := int64(0)
	var step wire.RunningTurn
	require.Eventually(t, func() bool {
		for _, a := range askHost[wire.AwakePage](t, nc, host, "awake", wire.AwakeQuery{Longer: &long}).Actors {
			if a.Running.Kind == wire.TurnStep {
				step = *a.Running
				return true
			}
		}
		return false
	}, 10*time.Second, time.Millisecond)
	require.Equal(t, []string{"juggler.j", "fire"}, []string{step.Actor, step.Name})
	stack := askHost[wire.ActorStack](t, nc, host, "stack.juggler.j", nil)
	require.Contains(t, stack.Running[0].Stack+stack.Running[len(stack.Running)-1].Stack, "actorhost_test.waitUntil(")
	close(until)
	_, err := Perform.Result(t.Context(), ref)
	require.NoError(t, err)

	wanted := map[string]int64{
		"action throw": 1, "action land": 1, "queue catch": 1, "step show": 1, "hook wake": 1, "loop loop": 1, //nolint:dupword // kind and name
		"event cheered": 1, "event praised": 1,
	}
	var f wire.HostFigures
	require.Eventually(t, func() bool {
		got := make(map[string]int64)
		f = askHost[wire.HostFigures](t, nc, host, "figures", nil)
		for _, one := range f.Turns {
			if name := string(one.Kind) + " " + one.Name; wanted[name] > 0 && one.Run.Count == one.Calls {
				got[name] = one.Calls
			}
		}
		return maps.Equal(wanted, got)
	}, 10*time.Second, 5*time.Millisecond, "%+v", f)
}
