package actorhost_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/internal/wire"
)

// A mayfly may destroy itself as it wakes: its key tells in which hook.
type mayfly struct{ troupe.Ref }

func (mayfly) ActorType() string { return "mayfly" }

var (
	hatch   = troupe.NewConstructor[mayfly, int]()
	flutter = troupe.NewAction[mayfly, int, int]("flutter")
)

type mayflyState struct{ Value, Woken int }

func mayflies(ran *[]string) actorhost.ActorType[mayfly, mayflyState] {
	return actorhost.Define(func() mayflyState { return mayflyState{} },
		actorhost.OnCreate(hatch, func(s *mayflyState, c *actorhost.Context, _ int) error {
			*ran = append(*ran, "create")
			if c.Key()[0] == "create" {
				c.Destroy()
			}
			return nil
		}),
		actorhost.On(flutter, func(s *mayflyState, _ *actorhost.Context, n int) (int, error) {
			*ran = append(*ran, "flutter")
			s.Value += n
			return s.Value, nil
		}),
	).OnWake(func(s *mayflyState, c *actorhost.Context) error {
		*ran = append(*ran, "wake")
		if s.Woken++; c.Key()[0] == "wake" && s.Woken == 2 {
			c.Destroy()
		}
		return nil
	})
}

func TestDestroyAsTheActorWakes(t *testing.T) {
	t.Parallel()
	var ran []string // one goroutine at a time: the calls follow each other
	b := hosttest.Start(t, mayflies(&ran))

	created := troupe.GetOrCreate[mayfly](b.Client, "create")
	require.ErrorIs(t, call(t.Context(), flutter, created, 1), troupe.ErrNotFound)
	require.ErrorIs(t, hatch.Create(t.Context(), created, 1), troupe.ErrNotFound)
	require.ErrorIs(t, call(t.Context(), flutter, troupe.Get[mayfly](b.Client, "create"), 1), troupe.ErrNotFound)
	require.Equal(t, []string{"create", "create"}, ran)

	ran = nil
	woken := troupe.GetOrCreate[mayfly](b.Client, "wake")
	require.NoError(t, call(t.Context(), flutter, woken, 1))
	require.NoError(t, b.Client.Invoke(t.Context(), troupe.Invocation{ID: woken.ID(), Action: troupe.SleepAction}))
	require.ErrorIs(t, call(t.Context(), flutter, woken, 1), troupe.ErrNotFound)
	require.ErrorIs(t, call(t.Context(), flutter, troupe.Get[mayfly](b.Client, "wake"), 1), troupe.ErrNotFound)
	require.Equal(t, []string{"create", "wake", "flutter", "wake"}, ran)
	got, err := flutter.Call(t.Context(), woken, 5) // its next life
	require.NoError(t, err)
	require.Equal(t, 5, got)
}

// A listening actor subscribes again and fails.
type fickle struct{ troupe.Ref }

func (fickle) ActorType() string { return "fickle" }

var (
	listenAs  = troupe.NewAction[fickle, string, troupe.None]("listenAs")
	heardAs   = troupe.NewAction[fickle, troupe.None, []string]("heardAs")
	cry       = troupe.NewAction[fickle, troupe.None, troupe.None]("cry")
	criedOut  = troupe.NewEvent[fickle, int]("criedOut")
	criedLoud = troupe.NewEvent[fickle, int]("criedLoud")
)

type fickleState struct{ Heard []string }

// listenAs subscribes to its own events, twice. As "failing" it subscribes to another one too, and fails.
func (s *fickleState) listenAs(c *actorhost.Context, who string) error {
	self := troupe.GetOrCreate[fickle](c, c.Key()...)
	for _, as := range []string{"first of " + who, who} {
		handle := func(context.Context, int) error { s.Heard = append(s.Heard, as); return nil }
		if _, err := criedOut.Subscribe(c, self, handle); err != nil {
			return err
		}
		if who != "failing" {
			continue
		}
		if _, err := criedLoud.Subscribe(c, self, handle); err != nil {
			return err
		}
	}
	if who == "failing" {
		return errRefused
	}
	return nil
}

func TestATurnThatFailsLeavesSubscriptionsAsTheyWere(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, actorhost.Define(func() fickleState { return fickleState{} },
		actorhost.On(listenAs, actorhost.NoOut((*fickleState).listenAs)),
		actorhost.On(heardAs, actorhost.NoIn(func(s *fickleState, _ *actorhost.Context) ([]string, error) { return s.Heard, nil })),
		actorhost.On(cry, actorhost.NoInNoOut(func(_ *fickleState, c *actorhost.Context) error {
			if err := criedLoud.Broadcast(c, 1); err != nil {
				return err
			}
			return criedOut.Broadcast(c, 1)
		}))))
	ref := troupe.GetOrCreate[fickle](b.Client, "a")
	cries := func(want ...string) {
		t.Helper()
		require.NoError(t, call(t.Context(), cry, ref, nil))
		require.Eventually(t, func() bool {
			got, err := heardAs.Call(t.Context(), ref, nil)
			require.NoError(t, err)
			return len(got) >= len(want)
		}, 30*time.Second, 5*time.Millisecond)
		got, err := heardAs.Call(t.Context(), ref, nil)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	require.NoError(t, call(t.Context(), listenAs, ref, "calm"))
	cries("calm")
	require.ErrorIs(t, call(t.Context(), listenAs, ref, "failing"), errRefused)
	cries("calm", "calm")
}

// Actors may follow with a program that this host does not run: a notice finds no code for the event.
func TestNoticeWithoutCode(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	newer := b.Host(pressAndReader...)
	times, who := troupe.GetOrCreate[press](b.Client, "times"), troupe.GetOrCreate[reader](b.Client, "ann")
	require.NoError(t, call(t.Context(), follow, who, "times"))
	b.Stop(newer)

	older := b.Host(actorhost.Define(func() readerState { return readerState{} },
		actorhost.On(seenPages, actorhost.NoIn(func(s *readerState, _ *actorhost.Context) ([]seen, error) { return s.Seen, nil }))),
		pressAndReader[0])
	id := older.ID()
	require.NoError(t, call(t.Context(), seenPages, who, nil))
	require.NoError(t, call(t.Context(), publish, times, 2))
	notice := func(n any) error {
		return b.Client.Invoke(t.Context(), troupe.Invocation{ID: who.ID(), Action: wire.NoticeAction, In: n})
	}
	require.ErrorIs(t, notice(wire.Notice{Source: times.ID().Tokens(), Event: "published", Sequence: 1}), troupe.ErrUnknownAction)
	require.ErrorIs(t, notice(wire.Notice{Source: "nobody.a", Event: "published", Sequence: 9}), troupe.ErrNotFound)
	require.ErrorIs(t, notice(wire.Notice{Source: "\r\n", Event: "published", Sequence: 9}), troupe.ErrNotFound)
	require.ErrorIs(t, notice("no notice"), troupe.ErrBadInput)
	require.NoError(t, call(t.Context(), seenPages, who, nil))
	require.Equal(t, id, older.ID())

	b.Stop(older)
	b.Host(pressAndReader...)
	require.NoError(t, call(t.Context(), publish, times, 1)) // nothing is lost
	require.Equal(t, pages("times", 1, 3), awaitSeen(t, who, 3))
}
