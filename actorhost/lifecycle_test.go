package actorhost_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// room is an actor type with every hook.
type room struct{ troupe.Ref }

func (room) ActorType() string { return "room" }

type topic struct {
	Name string `json:"name"`
}

var (
	newRoom = troupe.NewConstructor[room, topic]()
	say     = troupe.NewAction[room, string, int]("say")
	name    = troupe.NewAction[room, troupe.None, string]("name")
	closeIt = troupe.NewAction[room, troupe.None, troupe.None]("close")
)

type roomState struct {
	Topic string   `json:"topic"`
	Said  []string `json:"said"`
	Slept int      `json:"slept"`
}

// diary is what the hooks of all rooms of a test were called for.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) writef(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

func (d *diary) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.lines, ", ")
}

var errNoTopic = troupe.NewError("no_topic", "a room needs a topic")

func rooms(d *diary) actorhost.ActorType[room, roomState] {
	return actorhost.Define(func() roomState { return roomState{} },
		actorhost.OnCreate(newRoom, func(s *roomState, _ *actorhost.Context, in topic) error {
			d.writef("create %s", in.Name)
			s.Topic = in.Name
			if in.Name == "" {
				return errNoTopic
			}
			return nil
		}),
		actorhost.On(say, func(s *roomState, _ *actorhost.Context, line string) (int, error) {
			s.Said = append(s.Said, line)
			return len(s.Said), nil
		}),
		actorhost.On(name, actorhost.NoIn(func(s *roomState, _ *actorhost.Context) (string, error) { return s.Topic, nil })),
		actorhost.On(closeIt, actorhost.NoInNoOut(func(_ *roomState, c *actorhost.Context) error { c.Destroy(); return nil })),
	).OnWake(func(s *roomState, _ *actorhost.Context) error {
		d.writef("wake %s slept %d", s.Topic, s.Slept)
		return nil
	}).OnSleep(func(s *roomState, _ *actorhost.Context) error {
		s.Slept++
		d.writef("sleep %s", s.Topic)
		return nil
	}).OnDestroy(func(s *roomState, _ *actorhost.Context) error {
		d.writef("destroy %s", s.Topic)
		if len(s.Said) > 0 {
			return troupe.NewError("still_open", "somebody has spoken here")
		}
		return nil
	})
}

func TestHooksRunInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		b := hosttest.Start(t)
		host := b.Host(rooms(&d))
		r := troupe.GetOrCreate[room](b.Client, "org", "lobby")
		require.NoError(t, newRoom.Create(t.Context(), r, topic{"go"}))
		time.Sleep(time.Minute) //nolint:forbidigo // virtual time
		require.Equal(t, "create go, wake go slept 0, sleep go", d.String())

		got, err := name.Call(t.Context(), r, nil)
		require.NoError(t, err)
		require.Equal(t, "go", got)
		b.Stop(host)
		b.Host(rooms(&d))
		require.NoError(t, b.Client.Actor("room", "org", "lobby").Call(t.Context(), "close", nil, nil))
		require.Equal(t, "create go, wake go slept 0, sleep go, wake go slept 1, sleep go, wake go slept 2, destroy go", d.String())
	})
}

func TestCreate(t *testing.T) {
	t.Parallel()
	var d diary
	b := hosttest.Start(t, rooms(&d), counters())

	r := troupe.GetOrCreate[room](b.Client, "a")
	require.NoError(t, newRoom.Create(t.Context(), r, topic{"go"}))
	require.ErrorIs(t, newRoom.Create(t.Context(), r, topic{"rust"}), troupe.ErrAlreadyExists)
	got, err := name.Call(t.Context(), troupe.Get[room](b.Client, "a"), nil)
	require.NoError(t, err)
	require.Equal(t, "go", got)

	existing := troupe.Get[room](b.Client, "b")
	require.ErrorIs(t, newRoom.Create(t.Context(), existing, topic{}), errNoTopic)
	_, err = name.Call(t.Context(), existing, nil)
	require.ErrorIs(t, err, troupe.ErrNotFound, "a hook that refuses leaves no actor")
	_, err = name.Call(t.Context(), troupe.GetOrCreate[room](b.Client, "b"), nil)
	require.ErrorIs(t, err, errNoTopic, "a call that creates it has no input")
	require.NoError(t, newRoom.Create(t.Context(), existing, topic{"zig"}), "whichever way it is referred to")

	require.NoError(t, b.Client.Actor("counter", "c").Create(t.Context(), nil), "a type without the hook takes no input")
	require.ErrorIs(t, b.Client.Actor("counter", "c").Create(t.Context(), nil), troupe.ErrAlreadyExists)
	require.ErrorIs(t, b.Client.Actor("counter", "d").Create(t.Context(), 5), troupe.ErrBadInput)
	require.ErrorIs(t, b.Client.Actor("counter", "d").Existing().Call(t.Context(), "get", nil, nil), troupe.ErrNotFound)
}

func TestDestroyHookCanRefuse(t *testing.T) {
	t.Parallel()
	var d diary
	b := hosttest.Start(t, rooms(&d))
	r := troupe.GetOrCreate[room](b.Client, "a")
	require.NoError(t, newRoom.Create(t.Context(), r, topic{"go"}))
	_, err := say.Call(t.Context(), r, "hello")
	require.NoError(t, err)
	_, err = closeIt.Call(t.Context(), r, nil)
	var refused *troupe.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, troupe.Code("still_open"), refused.Code)
	count, err := say.Call(t.Context(), r, "still here")
	require.NoError(t, err)
	require.Equal(t, 2, count)
}

func TestDestroyFromOutside(t *testing.T) {
	t.Parallel()
	var d diary
	b := hosttest.Start(t)
	host := b.Host(rooms(&d), counters())
	destroy := func(id troupe.ID) error {
		return b.Client.Invoke(t.Context(), troupe.Invocation{ID: id, Action: troupe.DestroyAction})
	}
	r := troupe.GetOrCreate[room](b.Client, "a")
	require.NoError(t, newRoom.Create(t.Context(), r, topic{"go"}))
	require.NoError(t, b.Client.Invoke(t.Context(), troupe.Invocation{ID: r.ID(), Action: troupe.SleepAction}))
	require.NoError(t, destroy(r.ID()))
	require.Equal(t, "create go, wake go slept 0, sleep go, wake go slept 1, destroy go", d.String())
	require.ErrorIs(t, destroy(r.ID()), troupe.ErrNotFound)
	_, err := name.Call(t.Context(), troupe.Get[room](b.Client, "a"), nil)
	require.ErrorIs(t, err, troupe.ErrNotFound)
	require.Eventually(t, func() bool { return host.Active() == 0 }, 10*time.Second, time.Millisecond)

	require.NoError(t, call(t.Context(), add, troupe.GetOrCreate[counter](b.Client, "a"), 1), "a type without the hook")
	id, err := troupe.NewID("counter", "a")
	require.NoError(t, err)
	require.NoError(t, destroy(id))
	require.ErrorIs(t, destroy(id), troupe.ErrNotFound)

	require.NoError(t, newRoom.Create(t.Context(), troupe.GetOrCreate[room](b.Client, "b"), topic{"go"}))
	_, err = say.Call(t.Context(), troupe.Get[room](b.Client, "b"), "hello")
	require.NoError(t, err)
	var refused *troupe.Error
	require.ErrorAs(t, b.Client.Actor("room", "b").Call(t.Context(), troupe.DestroyAction, nil, nil), &refused)
	require.Equal(t, troupe.Code("still_open"), refused.Code)
	_, err = say.Call(t.Context(), troupe.Get[room](b.Client, "b"), "still here")
	require.NoError(t, err)
}

func TestKeysAndMetadata(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	host := b.Host(counters())
	for _, key := range [][]string{{}, {""}, {"a"}, {"a", ""}, {"", "a"}, {"a", "b"}, {"a.b"}, {"a/b"}, {"*"}, {">"}, {"é", "=", " "}} {
		at, err := whereIs.Call(t.Context(), troupe.GetOrCreate[counter](b.Client, key...), nil)
		require.NoError(t, err, "%q", key)
		require.Equal(t, key, at.Key)
		require.Equal(t, "counter", at.Type)
		require.Equal(t, host.ID(), at.Host)
		require.NotZero(t, at.Epoch)
	}
	require.Equal(t, 11, host.Active(), "each is an actor of its own")
}

func TestWrongDefinitionsAreErrorsOfStart(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	state := func() counterState { return counterState{} }
	addIt := actorhost.On(add, (*counterState).add)
	type unstorable struct{ C chan int }
	for name, test := range map[string]struct {
		definitions []actorhost.Definition
		text        string
	}{
		"none at all":     {nil, "needs an actor type"},
		"type twice":      {[]actorhost.Definition{counters(), counters()}, `actor type "counter": it is defined twice`},
		"action twice":    {[]actorhost.Definition{actorhost.Define(state, addIt, addIt)}, `actor type "counter": the action "add" is registered twice`},
		"missing handler": {[]actorhost.Definition{actorhost.Define(state, actorhost.On[counter, counterState](add, nil))}, `the action "add" has no handler`},
		"wrong name": {[]actorhost.Definition{actorhost.Define(state,
			actorhost.On(troupe.NewAction[counter, int, int]("a b"), (*counterState).add))}, `"a b" is no name`},
		"state that cannot be stored": {[]actorhost.Definition{actorhost.Define(func() unstorable { return unstorable{} },
			actorhost.On(add, func(*unstorable, *actorhost.Context, int) (int, error) { return 0, nil }))}, "cannot be stored"},
		"no state": {[]actorhost.Definition{actorhost.Define(nil, addIt)}, "no function that makes its state"},
		"no time":  {[]actorhost.Definition{counters().Config(actorhost.TypeConfig{SleepAfter: -1})}, "must not be negative"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := actorhost.Start(t.Context(), b.Connect(), actorhost.Config{}, test.definitions...)
			require.ErrorContains(t, err, test.text)
		})
	}
}

func TestPanicsOutsideOfActionsFailTheCall(t *testing.T) {
	t.Parallel()
	healthy := func() counterState { return counterState{} }
	addIt := actorhost.On(add, (*counterState).add)
	var made atomic.Int64
	for name, definition := range map[string]actorhost.Definition{
		"making the state": actorhost.Define(func() counterState {
			if made.Add(1) > 1 { // the first one is made to see whether it can be stored
				panic("no state today")
			}
			return counterState{}
		}, addIt),
		"on wake":   actorhost.Define(healthy, addIt).OnWake(func(*counterState, *actorhost.Context) error { panic("not awake") }),
		"on create": actorhost.Define(healthy, addIt, actorhost.OnCreate(troupe.NewConstructor[counter, int](), func(*counterState, *actorhost.Context, int) error { panic("unborn") })),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := hosttest.Start(t)
			host := b.Host(definition)
			for range 2 {
				_, err := add.Call(t.Context(), troupe.GetOrCreate[counter](b.Client, "a"), 1)
				require.ErrorIs(t, err, troupe.ErrInternal)
			}
			require.Eventually(t, func() bool { return host.Active() == 0 }, 5*time.Second, time.Millisecond)
		})
	}
}

func TestPutToSleep(t *testing.T) {
	t.Parallel()
	var d diary
	b := hosttest.Start(t)
	host := b.Host(rooms(&d))
	r := troupe.GetOrCreate[room](b.Client, "a")
	require.NoError(t, newRoom.Create(t.Context(), r, topic{"go"}))
	sleep := troupe.Invocation{ID: r.ID(), Action: troupe.SleepAction}
	require.NoError(t, b.Client.Invoke(t.Context(), sleep))
	require.Eventually(t, func() bool { return host.Active() == 0 }, 10*time.Second, time.Millisecond)
	require.ErrorIs(t, b.Client.Invoke(t.Context(), sleep), troupe.ErrNotFound, "it is asleep, and not woken for this")
	require.Equal(t, "create go, wake go slept 0, sleep go", d.String())
	_, err := say.Call(t.Context(), r, "hello")
	require.NoError(t, err)
	require.Equal(t, "create go, wake go slept 0, sleep go, wake go slept 1", d.String(), "what the hook changed is stored")
}
