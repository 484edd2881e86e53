package figures_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/figures"
)

// TestNeighboursAreBounded has one actor call many others, and one of them all the time.
func TestNeighboursAreBounded(t *testing.T) {
	t.Parallel()
	var all figures.Neighbours
	at := func(d time.Duration) time.Time { return time.UnixMilli(d.Milliseconds()) }
	id := func(key string) troupe.ID {
		made, err := troupe.NewID("room", key)
		require.NoError(t, err)
		return made
	}
	caller, friend := id("caller"), id("friend")
	const others = 20_000
	for i := range others {
		all.Count(caller, &troupe.Invocation{ID: id(fmt.Sprint(i)), Action: "say"}, nil, time.Duration(i)*time.Millisecond)
		all.Count(caller, &troupe.Invocation{ID: friend, Action: "say"}, nil, time.Duration(i)*time.Millisecond)
	}
	told := all.Of(caller.Tokens(), 10, at)
	require.Len(t, told.Calls, 10)
	kept := int64(len(told.Calls) + told.Left)
	require.GreaterOrEqual(t, kept, int64(2048))
	require.LessOrEqual(t, kept, int64(4096))
	require.Equal(t, int64(others+1), kept+told.Forgotten)
	told = all.Of(friend.Tokens(), 10, at)
	require.Len(t, told.Calls, 1, "who is called is not forgotten")
	require.Equal(t, int64(others), told.Calls[0].Calls)
	require.Equal(t, int64(others-1), told.Calls[0].Last)
	require.Empty(t, all.Of(id("0").Tokens(), 10, at).Calls)
}

// BenchmarkNeighbours counts calls between actors that are known, as a nested call does.
func BenchmarkNeighbours(b *testing.B) {
	var all figures.Neighbours
	calls := make([]troupe.Invocation, 1000)
	for i := range calls {
		to, err := troupe.NewID("room", "somewhere", fmt.Sprint(i))
		require.NoError(b, err)
		calls[i] = troupe.Invocation{ID: to, Action: "say"}
	}
	from := calls[0].ID
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		all.Count(from, &calls[i%len(calls)], nil, time.Second)
	}
}
