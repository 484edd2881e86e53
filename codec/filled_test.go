package codec_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/codec"
)

type listHolder struct {
	inner // embedded and unexported, with exported fields

	List    []int              `json:"list"`
	Bytes   []byte             `json:"bytes"`
	Map     map[string]int     `json:"map"`
	Deep    []map[string][]int `json:"deep"`
	Pointer *inner             `json:"pointer"`
	Any     any                `json:"any"`
	Array   [1][]string        `json:"array"`
	Omitted []int              `json:"omitted,omitempty"`
	Zero    []int              `json:"zero,omitzero"`
	At      time.Time          `json:"at"`
	Next    *listHolder        `json:"next,omitempty"`
}

type inner struct {
	Inner []string `json:"inner"`
}

type leaf struct {
	Leaf []string `json:"leaf"`
}

func TestFilledHasNoNilLists(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		value any
		json  string
	}{
		"slice":    {[]int(nil), `[]`},
		"map":      {map[string]bool(nil), `{}`},
		"bytes":    {[]byte(nil), `""`},
		"within":   {[]leaf{{}, {Leaf: []string{"a"}}}, `[{"leaf":[]},{"leaf":["a"]}]`},
		"map of":   {map[int]leaf{1: {}}, `{"1":{"leaf":[]}}`},
		"pointer":  {&leaf{}, `{"leaf":[]}`},
		"nil":      {(*leaf)(nil), `null`},
		"any":      {map[string]any{"a": []int(nil), "b": nil}, `{"a":[],"b":null}`},
		"embedded": {struct{ inner }{}, `{"inner":[]}`},
		"struct": {
			listHolder{Deep: []map[string][]int{nil, {"a": nil}}, Next: &listHolder{}},
			`{"inner":[],"list":[],"bytes":"","map":{},"deep":[{},{"a":[]}],"pointer":null,"any":null,"array":[[]],` +
				`"at":"0001-01-01T00:00:00Z","next":{"inner":[],"list":[],"bytes":"","map":{},"deep":[],"pointer":null,"any":null,` +
				`"array":[[]],"at":"0001-01-01T00:00:00Z"}}`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, err := codec.JSON.Append(nil, tt.value)
			require.NoError(t, err)
			got, err := codec.JSON.Append(nil, codec.Filled(tt.value))
			require.NoError(t, err)
			require.JSONEq(t, tt.json, string(got))
			after, err := codec.JSON.Append(nil, tt.value)
			require.NoError(t, err)
			require.Equal(t, string(before), string(after), "the value itself has changed")
		})
	}
}

func TestFilledLeavesAloneWhatHasAll(t *testing.T) {
	full := &listHolder{inner: inner{[]string{}}, List: []int{}, Bytes: []byte{}, Map: map[string]int{}, Array: [1][]string{{}}}
	full.Deep = []map[string][]int{}
	require.Same(t, full, codec.Filled(full))
	var v any = full
	require.Zero(t, testing.AllocsPerRun(100, func() { codec.Filled(v) }))
}

func TestFilledEndsForWhatContainsItself(t *testing.T) {
	t.Parallel()
	ring := &listHolder{inner: inner{[]string{}}, List: []int{}, Bytes: []byte{}, Map: map[string]int{}, Array: [1][]string{{}}}
	ring.Deep = []map[string][]int{}
	ring.Next = ring
	_, err := codec.MsgPack.Append(nil, codec.Filled(ring))
	require.Error(t, err)
	ring.Any = []any{ring, ring, ring}
	ring.List = nil
	_, err = codec.MsgPack.Append(nil, codec.Filled(ring))
	require.Error(t, err)
}
