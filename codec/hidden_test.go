package codec_test

import (
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/codec"
)

type hider struct {
	Shown int
	Items []hiddenItem
	count int
	index map[string]*leaf
	next  *hider
	cache int `json:"-"`
}

type hiddenItem struct {
	Name string
	note string
}

type locked struct {
	Shown int
	_     sync.Mutex
	count int
}

func TestHiddenFindsUnexportedFields(t *testing.T) {
	t.Parallel()
	ring := &hider{}
	ring.next = ring
	tests := map[string]struct {
		value any
		want  []string
	}{
		"zero":      {&hider{Shown: 1, Items: []hiddenItem{{Name: "a"}}}, nil},
		"count":     {&hider{count: 1, cache: 1}, []string{"count"}},
		"nested":    {&hider{Items: []hiddenItem{{}, {note: "a"}}}, []string{"Items[1].note"}},
		"ring":      {ring, []string{"next"}},
		"locked":    {&locked{count: 1}, nil},
		"no struct": {new(int), nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, slices.Sorted(maps.Keys(codec.Hidden(tt.value))))
		})
	}
}

func TestHiddenChangesWithTheValue(t *testing.T) {
	t.Parallel()
	v := &hider{index: map[string]*leaf{"a": {}, "b": {}}}
	before := codec.Hidden(v)
	require.Equal(t, before, codec.Hidden(v))
	v.index["a"].Leaf = []string{"changed in place"}
	require.NotEqual(t, before, codec.Hidden(v))
}
