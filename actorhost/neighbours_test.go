package actorhost_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/internal/wire"
)

// A scribe calls others, in each of the ways that actors have.
type scribe struct{ troupe.Ref }

func (scribe) ActorType() string { return "scribe" }

var (
	file    = troupe.NewAction[scribe, string, troupe.None]("file")
	consult = troupe.NewAction[scribe, []string, troupe.None]("ask")
	dictum  = troupe.NewWorkflow[scribe, string, troupe.None]("dictate")
)

var scribes = actorhost.Define(func() struct{} { return struct{}{} },
	actorhost.On(file, actorhost.NoOut(func(_ *struct{}, _ *actorhost.Context, what string) error {
		switch what {
		case "refused":
			return troupe.NewError("refused", "not here")
		case "broken":
			return errors.New("broken")
		}
		return nil
	})),
	actorhost.On(consult, actorhost.NoOut(func(_ *struct{}, c *actorhost.Context, what []string) error {
		other := troupe.GetOrCreate[scribe](c, "archive")
		for _, one := range what {
			if one == "told" {
				if err := file.Tell(c, other, one); err != nil {
					return err
				}
				continue
			}
			_, _ = file.Call(c, other, one) // some fail on purpose
		}
		return nil
	})),
	actorhost.OnWorkflow(dictum, func(w *actorhost.Flow[struct{}], what string) (troupe.None, error) {
		_, err := actorhost.Step(w, "file", func(c *actorhost.StepContext) (troupe.None, error) {
			return file.Call(c, troupe.GetOrCreate[scribe](c, "archive"), what)
		})
		return nil, err
	}),
)

func TestNeighbours(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	host, nc := b.Host(scribes), b.Connect()
	front, flow := troupe.GetOrCreate[scribe](b.Client, "front"), troupe.GetOrCreate[scribe](b.Client, "flow")
	_, err := consult.Call(t.Context(), front, []string{"a", "b", "refused", "broken", "told"})
	require.NoError(t, err)
	_, err = file.Call(t.Context(), troupe.GetOrCreate[scribe](b.Client, "archive"), "of a program")
	require.NoError(t, err)
	_, err = dictum.Run(t.Context(), flow, "c")
	require.NoError(t, err)

	ofFront := askHost[wire.Neighbours](t, nc, host, "neighbours.scribe.front", nil)
	require.Len(t, ofFront.Calls, 1)
	one := ofFront.Calls[0]
	require.WithinDuration(t, time.Now(), time.UnixMilli(one.Last), time.Minute)
	one.Last = 0
	require.Equal(t, wire.NeighbourCalls{
		From: "scribe.front", To: "scribe.archive", Action: "file", Calls: 5, Told: 1, Failed: 1, Own: 1,
	}, one)
	ofArchive := askHost[wire.Neighbours](t, nc, host, "neighbours.scribe.archive", nil)
	require.Len(t, ofArchive.Calls, 2, "that of the program is not among them")
	require.Equal(t, "scribe.flow", ofArchive.Calls[0].From, "the newest first")
	require.Empty(t, askHost[wire.Neighbours](t, nc, host, "neighbours.scribe.nobody", nil).Calls)
}
