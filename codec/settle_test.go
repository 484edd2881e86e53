package codec_test

import (
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/codec"
)

type loose struct {
	looseInner

	At      time.Time
	Pointer *time.Time
	Any     any
	Map     map[string]time.Time
	Structs map[string]item2
	Items   []item2
	Pointed *item2
	Array   [1]any
}

type looseInner struct{ Inner any }

type item2 struct {
	At  time.Time
	Any any
}

func TestSettledIsWhatDecodingYields(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("somewhere", 5*3600+1800)
	now := time.Now()
	at := time.Date(2024, 5, 6, 7, 8, 9, 10, zone)
	for name, v := range map[string]*loose{
		"zero":    {},
		"times":   {At: now, Pointer: &at, Map: map[string]time.Time{"a": at}, Items: []item2{{At: at}}},
		"entries": {Structs: map[string]item2{"a": {at, 1}}, Pointed: &item2{now, uint8(1)}},
		"numbers": {Any: []any{1, int8(-1), uint64(1), uint64(math.MaxUint64), float32(0.5), true, nil}},
		"lists":   {Any: map[string]any{"a": []string{"b"}, "b": map[string]int{"c": 1}, "c": []byte("d"), "d": &item2{At: at}}},
		"array":   {Array: [1]any{item2{At: at, Any: 1}}},
		"nils":    {Any: []any{[]string(nil), (*item2)(nil), map[string]any(nil), []byte(nil), []any(nil)}},
		"inner":   {looseInner: looseInner{1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, codec.Settle(v))
			encoded, err := codec.MsgPack.Append(nil, v)
			require.NoError(t, err)
			var decoded loose
			require.NoError(t, codec.MsgPack.Unmarshal(encoded, &decoded))
			require.True(t, reflect.DeepEqual(*v, decoded), "%#v\n%#v", *v, decoded)
			require.NoError(t, codec.Difference(v, &decoded))
		})
	}
}

func TestSettleKeepsPointers(t *testing.T) {
	t.Parallel()
	one := &item2{At: time.Now(), Any: 1}
	v := loose{Pointed: one, Any: []any{1}}
	list := v.Any.([]any)
	require.NoError(t, codec.Settle(&v))
	require.Same(t, one, v.Pointed)
	require.Equal(t, int64(1), one.Any)
	require.Equal(t, []any{int64(1)}, list, "in place")
}

func TestSettleRefusesWhatDoesNotComeBack(t *testing.T) {
	t.Parallel()
	for want, v := range map[string]*loose{
		"Any: it could not be decoded again: expected a string as the key of a map, got an integer": {Any: map[int]any{1: 1}},
		`Structs["a"].Any: type chan int has no encoding: a chan cannot be encoded`:                 {Structs: map[string]item2{"a": {Any: make(chan int)}}},
		`Array[0]: the string "\xff" is not UTF-8`:                                                  {Array: [1]any{"\xff"}},
	} {
		require.EqualError(t, codec.Settle(v), want)
	}
}

func TestSettledAlreadyCostsNothing(t *testing.T) {
	v := &loose{At: time.Unix(1, 0).UTC(), Any: int64(1), Items: []item2{{At: time.Unix(2, 0).UTC()}}}
	require.NoError(t, codec.Settle(v))
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() { _ = codec.Settle(v) }), 3.0)
}
