package actorhost_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// gauge has read-only actions.
type gauge struct{ troupe.Ref }

func (gauge) ActorType() string { return "gauge" }

var (
	gaugeSet    = troupe.NewAction[gauge, int, troupe.None]("set")
	gaugeRead   = troupe.NewAction[gauge, troupe.None, int]("read")     // is read-only
	gaugeMust   = troupe.NewAction[gauge, troupe.None, int]("mustRead") // and creates no actor
	gaugeTry    = troupe.NewAction[gauge, string, troupe.None]("try")   // is read-only, and tries what it is told
	gaugeMoved  = troupe.NewEvent[gauge, int]("moved")
	gaugeFell   = troupe.NewDurableEvent[gauge, int]("fell")
	gaugeOrders = troupe.NewQueue[gauge, int]("orders")
)

type gaugeState struct {
	Value  int
	Levels map[string][]int
}

// misuses are what a read-only action may not do.
var misuses = map[string]func(s *gaugeState, c *actorhost.Context) error{
	"broadcast moved": func(_ *gaugeState, c *actorhost.Context) error { return gaugeMoved.Broadcast(c, 1) },
	"broadcast fell":  func(_ *gaugeState, c *actorhost.Context) error { return gaugeFell.Broadcast(c, 1) },
	"push to orders": func(_ *gaugeState, c *actorhost.Context) error {
		return gaugeOrders.Push(c, troupe.GetOrCreate[gauge](c, "x"), 1)
	},
	"tell others": func(_ *gaugeState, c *actorhost.Context) error {
		return gaugeSet.Tell(c, troupe.GetOrCreate[gauge](c, "x"), 1)
	},
	"schedule set": func(_ *gaugeState, c *actorhost.Context) error {
		_, err := gaugeSet.After(c, time.Hour, 1)
		return err
	},
	"unschedule x": func(_ *gaugeState, c *actorhost.Context) error {
		_, err := c.Unschedule("x")
		return err
	},
	"subscribe to moved": func(_ *gaugeState, c *actorhost.Context) error {
		_, err := gaugeMoved.Subscribe(c, troupe.GetOrCreate[gauge](c, "x"), func(context.Context, int) error { return nil })
		return err
	},
	"unsubscribe from fell": func(_ *gaugeState, c *actorhost.Context) error {
		return c.UnsubscribeDurable(troupe.GetOrCreate[gauge](c, "x").ID(), "fell")
	},
	"call Destroy": func(_ *gaugeState, c *actorhost.Context) error { c.Destroy(); return nil },
	"call Disconnect": func(_ *gaugeState, c *actorhost.Context) error {
		c.Disconnect(new(actorhost.Connection), "")
		return nil
	},
}

func (s *gaugeState) try(c *actorhost.Context, what string) error {
	switch what {
	case "change":
		s.Value++
	case "change deeply":
		s.Levels["a"][0]++
	case "change and fail":
		s.Value++
		return errRefused
	case "change and panic":
		s.Value++
		panic("out of luck")
	case "call":
		return call(c, gaugeSet, troupe.GetOrCreate[gauge](c, "called"), 7)
	default:
		return misuses[what](s, c)
	}
	return nil
}

func gauges() actorhost.ActorType[gauge, gaugeState] {
	read := actorhost.NoIn(func(s *gaugeState, _ *actorhost.Context) (int, error) { return s.Value, nil })
	return actorhost.Define(func() gaugeState { return gaugeState{Levels: map[string][]int{"a": {1}}} },
		actorhost.On(gaugeSet, actorhost.NoOut(func(s *gaugeState, _ *actorhost.Context, n int) error { s.Value = n; return nil })),
		actorhost.On(gaugeRead, read).ReadOnly(),
		actorhost.On(gaugeMust, read).ReadOnly().IfExists(),
		actorhost.On(gaugeTry, actorhost.NoOut((*gaugeState).try)).ReadOnly())
}

func TestReadOnlyActionsStoreNothing(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, gauges())
	g := troupe.GetOrCreate[gauge](b.Client, "a")
	require.NoError(t, call(t.Context(), gaugeSet, g, 5))
	records := recordsOf(t, b)
	before, err := records.Newest(t.Context(), g.ID())
	require.NoError(t, err)
	for range 10 {
		got, err := gaugeRead.Call(t.Context(), g, nil)
		require.NoError(t, err)
		require.Equal(t, 5, got)
	}
	require.NoError(t, call(t.Context(), gaugeTry, g, "call"))
	after, err := records.Newest(t.Context(), g.ID())
	require.NoError(t, err)
	require.Equal(t, before.Revision, after.Revision)
	got, err := gaugeRead.Call(t.Context(), troupe.Get[gauge](b.Client, "called"), nil)
	require.NoError(t, err)
	require.Equal(t, 7, got)
}

func TestReadOnlyActionsMayNotDoWhatBelongsToATurn(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, gauges())
	g := troupe.GetOrCreate[gauge](b.Client, "a")
	require.NoError(t, call(t.Context(), gaugeSet, g, 5))
	for what := range misuses {
		err := call(t.Context(), gaugeTry, g, what)
		require.ErrorIs(t, err, troupe.ErrInternal)
		require.ErrorContains(t, err, "gauge/a.try is read-only: it may not "+what)
	}
	got, err := gaugeRead.Call(t.Context(), troupe.Get[gauge](b.Client, "a"), nil)
	require.NoError(t, err, "it was not destroyed")
	require.Equal(t, 5, got)
	listed, err := troupe.SchedulerOf(t.Context(), g).Schedules()
	require.NoError(t, err)
	require.Empty(t, listed)
}

// lostStates are what a host tells of its states.
type lostStates struct {
	mu  sync.Mutex
	all []string
}

func (s *lostStates) add(actor troupe.ID, lost error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, fmt.Sprintf("%s: %v", actor, lost))
}

func (s *lostStates) list() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.all...)
}

func TestReadOnlyActionThatChangesTheStateFailsInTests(t *testing.T) {
	t.Parallel()
	for what, place := range map[string]string{
		"change": "Value: 5 comes back as 6", "change and fail": "Value: 5 comes back as 6", "change and panic": "Value: 5 comes back as 6",
		"change deeply": `Levels["a"][0]: 1 comes back as 2`,
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			var found lostStates
			b := hosttest.Start(t)
			b.HostWith(actorhost.Config{CheckState: found.add}, gauges())
			g := troupe.GetOrCreate[gauge](b.Client, "a")
			require.NoError(t, call(t.Context(), gaugeSet, g, 5))
			err := call(t.Context(), gaugeTry, g, what)
			require.ErrorIs(t, err, troupe.ErrInternal)
			require.ErrorContains(t, err, "gauge/a.try is read-only, and has changed the state: "+place)
			require.Len(t, found.list(), 1)
			require.Contains(t, found.list()[0], "try is read-only")
			got, err := gaugeRead.Call(t.Context(), g, nil)
			require.NoError(t, err)
			require.Equal(t, 5, got, "it was put back")
		})
	}
}

func TestReadOnlyActionThatChangesTheStateIsFoundInProduction(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	b.SkipStateCheck = true
	b.Host(gauges())
	g := troupe.GetOrCreate[gauge](b.Client, "a")
	require.NoError(t, call(t.Context(), gaugeSet, g, 5))
	var found []int
	for i := range 140 {
		if err := call(t.Context(), gaugeTry, g, "change"); err != nil {
			require.ErrorContains(t, err, "is read-only, and has changed the state: Value: 5 comes back as")
			found = append(found, i)
			got, err := gaugeRead.Call(t.Context(), g, nil)
			require.NoError(t, err)
			require.Equal(t, 5, got)
		}
	}
	require.Equal(t, []int{0, 64, 128}, found, "one of 64, when the state is small")
	require.NoError(t, call(t.Context(), gaugeSet, g, 6))
}

func TestReadOnlyActionOfNoActorCreatesNone(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, gauges())
	g, records := troupe.GetOrCreate[gauge](b.Client, "none"), recordsOf(t, b)
	for range 3 {
		got, err := gaugeRead.Call(t.Context(), g, nil)
		require.NoError(t, err)
		require.Zero(t, got)
		require.ErrorContains(t, call(t.Context(), gaugeTry, g, "broadcast moved"), "may not")
	}
	_, err := gaugeMust.Call(t.Context(), g, nil)
	require.ErrorIs(t, err, troupe.ErrNotFound)
	_, err = gaugeRead.Call(t.Context(), troupe.Get[gauge](b.Client, "none"), nil)
	require.ErrorIs(t, err, troupe.ErrNotFound)
	found, err := records.Newest(t.Context(), g.ID())
	require.NoError(t, err)
	require.Zero(t, found.Revision)

	require.NoError(t, call(t.Context(), gaugeSet, g, 5))
	for _, read := range []troupe.Action[gauge, troupe.None, int]{gaugeRead, gaugeMust} {
		got, err := read.Call(t.Context(), g, nil)
		require.NoError(t, err)
		require.Equal(t, 5, got)
	}
}

func TestReadOnlyActionCreatesAnActorWhoseHooksMakeItsState(t *testing.T) {
	t.Parallel()
	create := func(s *gaugeState, _ *actorhost.Context, _ troupe.None) error { s.Value = 3; return nil }
	for name, actors := range map[string]actorhost.Definition{
		"on wake": gauges().OnWake(func(s *gaugeState, c *actorhost.Context) error { return create(s, c, nil) }),
		"on create": actorhost.Define(func() gaugeState { return gaugeState{} },
			actorhost.OnCreate(troupe.NewConstructor[gauge, troupe.None](), create),
			actorhost.On(gaugeRead, actorhost.NoIn(func(s *gaugeState, _ *actorhost.Context) (int, error) { return s.Value, nil })).ReadOnly()),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := hosttest.Start(t, actors)
			got, err := gaugeRead.Call(t.Context(), troupe.GetOrCreate[gauge](b.Client, "a"), nil)
			require.NoError(t, err)
			require.Equal(t, 3, got)
			_, err = gaugeRead.Call(t.Context(), troupe.Get[gauge](b.Client, "a"), nil)
			require.NoError(t, err, "it exists")
		})
	}
}

func TestScheduledReadOnlyActionChangesNothing(t *testing.T) {
	t.Parallel()
	var found lostStates
	b := hosttest.Start(t)
	b.HostWith(actorhost.Config{CheckState: found.add}, gauges())
	g := troupe.GetOrCreate[gauge](b.Client, "a")
	require.NoError(t, call(t.Context(), gaugeSet, g, 5))
	s := troupe.SchedulerOf(t.Context(), g)
	_, err := gaugeRead.After(s, time.Hour, nil)
	require.NoError(t, err)
	_, err = gaugeTry.After(s, 2*time.Hour, "change")
	require.NoError(t, err)
	b.Advance(3 * time.Hour)
	listed, err := s.Schedules()
	require.NoError(t, err)
	require.Len(t, listed, 1, "the one has run, the other is tried again")
	require.Contains(t, listed[0].Error, "has changed the state")
	require.NotEmpty(t, found.list())
	got, err := gaugeRead.Call(t.Context(), g, nil)
	require.NoError(t, err)
	require.Equal(t, 5, got)
}

func TestReadOnlyIsForActions(t *testing.T) {
	t.Parallel()
	newState := func() gaugeState { return gaugeState{} }
	for name, handler := range map[string]actorhost.Handler[gauge, gaugeState]{
		"_create": actorhost.OnCreate(troupe.NewConstructor[gauge, int](),
			func(*gaugeState, *actorhost.Context, int) error { return nil }).ReadOnly(),
		"orders": actorhost.OnQueue(gaugeOrders, func(*gaugeState, *actorhost.Context, int) error { return nil }).ReadOnly(),
		"flow": actorhost.OnWorkflow(troupe.NewWorkflow[gauge, int, int]("flow"),
			func(_ *actorhost.Flow[gaugeState], n int) (int, error) { return n, nil }).ReadOnly(),
	} {
		_, err := actorhost.Start(t.Context(), hosttest.Start(t).Connect(), actorhost.Config{}, actorhost.Define(newState, handler))
		require.ErrorContains(t, err, fmt.Sprintf("%q", name))
		require.ErrorContains(t, err, "ReadOnly is for actions")
	}
}
