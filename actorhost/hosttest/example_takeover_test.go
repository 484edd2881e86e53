package hosttest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

type Score struct{ troupe.Ref }

func (Score) ActorType() string { return "score" }

var Gain = troupe.NewAction[Score, int, int]("gain")

type scoreState struct{ Points int }

func (s *scoreState) gain(_ *actorhost.Context, n int) (int, error) {
	s.Points += n
	return s.Points, nil
}

var scores = actorhost.Define(func() scoreState { return scoreState{} },
	actorhost.On(Gain, (*scoreState).gain))

// A test can have several hosts, and kill one: its actors wake on another with the state that was stored.
func ExampleBus_Kill() {
	runTest(func(t *testing.T) { //nolint:thelper // as func TestSurvivesItsHost(t *testing.T)
		t.Parallel()
		b := hosttest.Start(t)
		first := b.Host(scores)
		score := troupe.GetOrCreate[Score](b.Client, "anna")
		_, err := Gain.Call(t.Context(), score, 10)
		require.NoError(t, err)

		b.Host(scores)
		b.Kill(first)
		points, err := Gain.Call(t.Context(), score, 1)
		require.NoError(t, err)
		require.Equal(t, 11, points)
	})
	// Output: ok
}
