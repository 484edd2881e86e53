package codec_test

import (
	"bytes"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/codec"
)

// appendByLibrary encodes as the library does with which we agree but for the order of maps, and texts by MarshalText.
func appendByLibrary(v any) ([]byte, error) {
	var out bytes.Buffer
	e := msgpack.NewEncoder(&out)
	e.SetCustomStructTag("json")
	e.UseCompactInts(true)
	err := e.Encode(v)
	return out.Bytes(), err
}

func byLibrary(tb require.TestingT, v any) []byte {
	out, err := appendByLibrary(v)
	require.NoError(tb, err)
	return out
}

type level int

func (l level) MarshalText() ([]byte, error) { return []byte(strconv.Itoa(int(-l))), nil }
func (l *level) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(string(text))
	*l = level(-n)
	return err
}

// TestMapsAreInOrder has the order that docs/protocol.md tells: of texts by their bytes, of others by their encodings.
func TestMapsAreInOrder(t *testing.T) {
	t.Parallel()
	type name string
	for want, v := range map[string]any{
		"84 '' 00 'a' 01 'aa' 02 'b' 03":                 map[string]int{"b": 3, "aa": 2, "": 0, "a": 1},
		"82 'b' c3 'é' c2":                               map[name]bool{"é": false, "b": true},
		"84 01 c0 7f c0 cc80 c0 cd0100 c0":               map[uint16]any{256: nil, 127: nil, 1: nil, 128: nil},
		"84 00 'x' 05 'x' d0df 'x' ff 'x'":               map[int64]string{-1: "x", 0: "x", 5: "x", -33: "x"},
		"82 c2 01 c3 02":                                 map[bool]uint8{true: 2, false: 1},
		"82 cb3ff0000000000000 90 cb4000000000000000 90": map[float64][]int{2: {}, 1: {}},
		"82 '1' 01 '2' 02":                               map[level]int{-2: 2, -1: 1},
		"82 '10' 01 '9' 02":                              map[level]int{-9: 2, -10: 1},
		"82 'a' 82 01 81 'x' 01 02 c0 'b' 81 03 c0":      map[string]map[int]map[string]int{"b": {3: nil}, "a": {2: nil, 1: {"x": 1}}},
		"92 82 'a' 82 'c' 01 'd' 02 'b' 03 c0":           []any{map[string]any{"b": 3, "a": map[string]any{"d": 2, "c": 1}}, nil},
		"91 82 01 'x' 02 'y'":                            [1]map[int]string{{2: "y", 1: "x"}},
	} {
		for range 8 { // Go has another order each time
			got, err := codec.MsgPack.Append([]byte("before"), v)
			require.NoError(t, err)
			require.Equal(t, "before"+hex.EncodeToString(pack(want)), "before"+hex.EncodeToString(got[len("before"):]), "%v", v)
		}
	}
}

func TestLargeMapsAreInOrder(t *testing.T) {
	t.Parallel()
	one, two := map[int]map[string]int{}, map[int]map[string]int{}
	for i := range 300 {
		n := (i * 7) % 300
		one[i], two[n] = map[string]int{}, map[string]int{}
		for j := range i % 40 {
			one[i]["k"+strconv.Itoa(j)] = j
		}
		for j := range n % 40 {
			two[n]["k"+strconv.Itoa(n%40-1-j)] = n%40 - 1 - j
		}
	}
	a, err := codec.MsgPack.Append(nil, one)
	require.NoError(t, err)
	b, err := codec.MsgPack.Append(nil, two)
	require.NoError(t, err)
	require.Equal(t, a, b)
	var back map[int]map[string]int
	require.NoError(t, codec.MsgPack.Unmarshal(a, &back))
	require.Equal(t, one, back)
}

// embeds has what is left out, what is inlined, and more fields than fit into one byte of a head.
type embeds struct {
	*Pointed
	manyFields
	Omitted  string         `json:"omitted,omitempty"`
	At       *time.Time     `json:"at,omitempty"`
	Inner    struct{}       `json:"inner,omitempty"` //nolint:modernize // that it has none is tested
	Float    float64        `json:"float,omitempty"`
	Own      *custom        `json:"own,omitempty"`
	Labels   map[string]int `json:"labels,omitempty"`
	Pointers **int          `json:"pointers,omitempty"`
}

// TestEncodesAsTheLibrary compares what generated types cannot have: see TestWhateverIsEncodedComesBack.
func TestEncodesAsTheLibrary(t *testing.T) {
	t.Parallel()
	n := 5
	to, at := &n, time.Unix(5, 0)
	for _, v := range []any{
		nil, true, 1, -1, -33, 1 << 20, uint64(1 << 40), float32(0.5), "", string(make([]byte, 40)), string(make([]byte, 300)), string(make([]byte, 70_000)),
		[]byte(nil), []byte{}, [3]byte{1, 2, 3}, &[3]byte{1, 2, 3}, make([]int, 20), make([]bool, 70_000), []string(nil), map[int]int(nil), (*int)(nil),
		time.Unix(1, 0), time.Unix(1, 5), time.Unix(1<<34, 5), time.Unix(-1, 0), time.Second, &embeds{}, embeds{Omitted: "x", Pointers: &to},
		embeds{At: &at, Float: -1}, embeds{manyFields: manyFields{F3: 300, F70: -40_000}},
	} {
		got, err := codec.MsgPack.Append(nil, v)
		require.NoError(t, err, "%T", v)
		require.Equal(t, byLibrary(t, v), got, "%T", v)
	}
}

// own is encoded by a method of its pointer.
type own struct{ n int }

func (o *own) EncodeMsgpack(e *msgpack.Encoder) error { return e.EncodeInt(int64(o.n)) }
func (o *own) DecodeMsgpack(d *msgpack.Decoder) (err error) {
	o.n, err = d.DecodeInt()
	return err
}

// A map has no addresses of its elements, nor has a value that is passed as such.
func TestEncodesByMethodsOfPointers(t *testing.T) {
	t.Parallel()
	for want, v := range map[string]any{"05": own{5}, "82 'a' 01 'b' 02": map[string]own{"b": {2}, "a": {1}}, "91 05": [1]own{{5}}, "92 05 'x'": []any{own{5}, "x"}} {
		got, err := codec.MsgPack.Append(nil, v)
		require.NoError(t, err, "%T", v)
		require.Equal(t, pack(want), got, "%T", v)
	}
}

// What sorts keys looks at their beginnings first.
func TestKeysAreInOrderWhateverTheyBeginWith(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		start := rapid.StringMatching(`[a-c]{0,12}`).Draw(t, "start")
		m := map[string]int{}
		for _, end := range rapid.SliceOf(rapid.StringMatching("[\x00ab]{0,12}")).Draw(t, "ends") {
			m[start+end] = len(m)
		}
		got, err := codec.MsgPack.Append(nil, m)
		require.NoError(t, err)
		want := []byte{0xde, byte(len(m) >> 8), byte(len(m))}
		if len(m) < 16 {
			want = []byte{0x80 | byte(len(m))}
		}
		for _, key := range slices.Sorted(maps.Keys(m)) {
			for _, v := range []any{key, m[key]} {
				want, err = codec.MsgPack.Append(want, v)
				require.NoError(t, err)
			}
		}
		require.Equal(t, want, got)
	})
}
