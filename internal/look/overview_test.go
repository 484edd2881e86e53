package look_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/look"
	"github.com/troupe-go/troupe/internal/wire"
)

func TestCountsSinceAnEarlierLook(t *testing.T) {
	t.Parallel()
	answer := func(calls int64, started int64, errors map[string]int64) look.Overview {
		return look.Together([]look.Host{{Figures: wire.HostFigures{ID: "h", Started: started, Turns: []wire.TurnFigures{
			{Type: "room", Kind: wire.TurnAction, Name: "add", Calls: calls, Errors: errors, Run: wire.Spread{Count: calls, Buckets: []int64{3, calls}}},
		}}}}, 10)
	}
	before := answer(5, 1, map[string]int64{"internal": 2})
	turns, ok := answer(8, 1, map[string]int64{"internal": 2, "bad_input": 1}).Since(before)
	require.True(t, ok)
	require.Len(t, turns, 1)
	require.Equal(t, int64(3), turns[0].Calls)
	require.Equal(t, int64(3), turns[0].Run.Count)
	require.Equal(t, map[string]int64{"bad_input": 1}, turns[0].Errors)
	turns, ok = answer(5, 1, map[string]int64{"internal": 2}).Since(before)
	require.True(t, ok)
	require.Empty(t, turns, "nothing has happened")
	_, ok = answer(8, 2, nil).Since(before)
	require.False(t, ok, "the host was started anew")
	_, ok = look.Together(nil, 10).Since(before)
	require.False(t, ok)
}
