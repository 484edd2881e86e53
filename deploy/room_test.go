package deploy_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/internal/pause"
)

// room is what deploy/auth.conf speaks of.
type room struct{ troupe.Ref }

func (room) ActorType() string { return "room" }

var (
	say     = troupe.NewAction[room, string, int]("say")
	history = troupe.NewAction[room, troupe.None, []string]("history")
	clearIt = troupe.NewAction[room, troupe.None, troupe.None]("clear")
	repeat  = troupe.NewAction[room, []string, string]("repeat") // says in another room what was said here
	follow  = troupe.NewAction[room, []string, troupe.None]("follow")
	said    = troupe.NewEvent[room, string]("said")
	enter   = troupe.NewConnector[room, troupe.None]()
	noted   = troupe.NewDurableEvent[room, string]("noted")
	note    = troupe.NewAction[room, string, troupe.None]("note")
	ponder  = troupe.NewAction[room, time.Duration, troupe.None]("ponder")
	remind  = troupe.NewAction[room, time.Duration, troupe.None]("remind") // says something later
	post    = troupe.NewQueue[room, string]("post")                        // to be said
	attend  = troupe.NewAction[room, []string, troupe.None]("attend")      // to what another room notes
	readOut = troupe.NewStream[room, int, int]("readOut")                  // so many lines
)

// invite is a workflow that waits for accepted, and then says so in a step.
var (
	invite   = troupe.NewWorkflow[room, string, int]("invite")
	accepted = troupe.NewSignal[room, bool]("accepted")
)

func inviting(w *actorhost.Flow[roomState], who string) (int, error) {
	if _, err := actorhost.Wait(w, accepted, "answer", time.Hour); err != nil {
		return 0, err
	}
	if err := w.Sleep("walk", 10*time.Millisecond); err != nil {
		return 0, err
	}
	return actorhost.Step(w, "say", func(c *actorhost.StepContext) (int, error) {
		return say.Call(c, troupe.GetOrCreate[room](w, "org1", "hall"), who+" is here")
	})
}

func requireReadOut(t *testing.T, r room, want int) {
	t.Helper()
	lines := 0
	for line, err := range readOut.Call(t.Context(), r, want) {
		require.NoError(t, err)
		require.Equal(t, lines, line)
		lines++
	}
	require.Equal(t, want, lines)
}

type roomState struct{ Said []string }

var (
	rooms = roomsWith()
	// furnished are rooms with a queue, in which one may think for long.
	furnished = roomsWith(actorhost.On(ponder, actorhost.NoOut(func(_ *roomState, c *actorhost.Context, d time.Duration) error {
		pause.For(c, d)
		return nil
	})), actorhost.OnQueue(post, func(s *roomState, c *actorhost.Context, text string) error {
		if text == "refused" {
			return troupe.NewError("refused", "not here")
		}
		s.Said = append(s.Said, text)
		return said.Broadcast(c, text)
	}, actorhost.Retries{First: 100 * time.Millisecond}), actorhost.OnQueue(minute, func(s *roomState, _ *actorhost.Context, text string) error {
		if text == "not yet" {
			return errors.New(text)
		}
		s.Said = append(s.Said, text)
		return nil
	}, actorhost.Retries{First: 10 * time.Minute, Most: 10 * time.Minute}))
)

func roomsWith(more ...actorhost.Handler[room, roomState]) actorhost.ActorType[room, roomState] {
	handlers := []actorhost.Handler[room, roomState]{
		actorhost.On(say, func(s *roomState, c *actorhost.Context, text string) (int, error) {
			s.Said = append(s.Said, text)
			return len(s.Said), said.Broadcast(c, text)
		}),
		actorhost.OnStream(readOut, func(_ *actorhost.Stream[roomState], lines int) iter.Seq2[int, error] {
			return func(yield func(int, error) bool) {
				for i := 0; i < lines && yield(i, nil); i++ {
					continue
				}
			}
		}),
		actorhost.OnWorkflow(invite, inviting), actorhost.OnSignal[room, roomState](accepted),
		actorhost.On(history, actorhost.NoIn(func(s *roomState, _ *actorhost.Context) ([]string, error) { return s.Said, nil })),
		actorhost.On(clearIt, actorhost.NoInNoOut(func(s *roomState, _ *actorhost.Context) error { s.Said = nil; return nil })),
		actorhost.On(repeat, func(s *roomState, c *actorhost.Context, key []string) (string, error) {
			_, err := say.Call(c, troupe.GetOrCreate[room](c, key...), s.Said[0])
			return s.Said[0], err
		}),
		actorhost.On(follow, actorhost.NoOut(func(_ *roomState, c *actorhost.Context, key []string) error {
			_, err := said.Subscribe(c, troupe.GetOrCreate[room](c, key...), func(context.Context, string) error { return nil })
			return err
		})),
		actorhost.On(note, actorhost.NoOut(func(_ *roomState, c *actorhost.Context, text string) error { return noted.Broadcast(c, text) })),
		actorhost.On(remind, actorhost.NoOut(func(_ *roomState, c *actorhost.Context, after time.Duration) error {
			_, err := say.After(c, after, "in time", troupe.Named("reminder"))
			return err
		})),
		actorhost.On(attend, actorhost.NoOut(func(_ *roomState, c *actorhost.Context, key []string) error {
			return noted.SubscribeDurable(c, troupe.GetOrCreate[room](c, key...))
		})),
	}
	return actorhost.Define(func() roomState { return roomState{} }, append(handlers, more...)...).
		OnEvents(actorhost.OnEvent(noted, func(s *roomState, _ *actorhost.Context, text string) error {
			s.Said = append(s.Said, "noted: "+text)
			return nil
		}))
}
