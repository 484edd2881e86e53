package troupe_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
)

type noted struct {
	Actor   troupe.ID
	Place   troupe.Position
	Gap     troupe.Gap
	Rooms   map[troupe.ID]int
	Places  map[troupe.Position]string
	Gaps    map[troupe.Gap]bool
	Nothing *troupe.ID
}

func TestIDsPositionsAndGapsComeBack(t *testing.T) {
	t.Parallel()
	id, err := troupe.NewID("room", "é", "", "a b.c")
	require.NoError(t, err)
	at := troupe.Position{Epoch: 7, Sequence: 12}
	gap := troupe.Gap{Actor: id, Event: "said", After: at, Before: troupe.Position{Epoch: 8, Sequence: 1}}
	for _, v := range []noted{
		{},
		{Actor: id, Place: at, Gap: gap, Rooms: map[troupe.ID]int{id: 1, {}: 2}, Places: map[troupe.Position]string{at: "a", {}: ""},
			Gaps: map[troupe.Gap]bool{gap: true, {}: false}, Nothing: &id},
	} {
		for _, c := range []codec.Codec{codec.MsgPack, codec.JSON} {
			data, err := c.Append(nil, v)
			require.NoError(t, err)
			var back noted
			require.NoError(t, c.Unmarshal(data, &back))
			require.Equal(t, v, back)
		}
	}
	text, err := gap.MarshalText()
	require.NoError(t, err)
	require.Equal(t, "room.=C3=A9.=.a=20b=2Ec said 7.12 8.1", string(text))
}

func TestTextsOfNothing(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"room.", "=", "*", "room.a b"} {
		require.Error(t, new(troupe.ID).UnmarshalText([]byte(text)), text)
	}
	for _, text := range []string{"", "7", "7.", ".7", "7.12.3", "+7.1", "07.1", "18446744073709551616.1", "a.b"} {
		require.Error(t, new(troupe.Position).UnmarshalText([]byte(text)), text)
	}
	for _, text := range []string{"", "room.a said 7.12", "room. said 7.12 7.13", "* said 7 7.13", "* said 7.12 x", "* said  7.12 7.13"} {
		require.Error(t, new(troupe.Gap).UnmarshalText([]byte(text)), text)
	}
}
