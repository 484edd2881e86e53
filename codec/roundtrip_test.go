package codec_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/codec"
)

type Base struct {
	Version int    `json:"version"`
	Author  string `json:"author,omitempty"`
}

type Pointed struct {
	Far string `json:"far"`
}

type everything struct {
	Base
	*Pointed
	Text    string           `json:"text"`
	I       int              `json:"i"`
	I8      int8             `json:"i8"`
	I16     int16            `json:"i16"`
	I32     int32            `json:"i32,omitempty"`
	I64     int64            `json:"i64"`
	U       uint             `json:"u"`
	U8      uint8            `json:"u8"`
	U16     uint16           `json:"u16"`
	U32     uint32           `json:"u32"`
	U64     uint64           `json:"u64,omitempty"`
	F32     float32          `json:"f32"`
	F64     float64          `json:"f64"`
	Yes     bool             `json:"yes,omitempty"`
	Bytes   []byte           `json:"bytes"`
	At      time.Time        `json:"at"`
	Later   *time.Time       `json:"later,omitempty"`
	For     time.Duration    `json:"for"`
	Strings []string         `json:"strings"`
	Many    []nested         `json:"many"`
	Counts  map[string]int64 `json:"counts"`
	ByID    map[uint16]*nested
	Deep    map[string][]map[string]string `json:"deep,omitempty"`
	Self    *everything                    `json:"self,omitempty"`
	Number  *int                           `json:"number"`
	Any     any                            `json:"any"`
	Ignored string                         `json:"-"`
	private string
}

type nested struct {
	Name string   `json:"name,omitempty"`
	Pair [2]int32 `json:"pair"`
	Kids []nested `json:"kids,omitempty"`
}

func times() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		sec := rapid.Int64Range(-62135596800, 253402300799).Draw(t, "sec")
		return time.Unix(sec, rapid.Int64Range(0, 999_999_999).Draw(t, "nsec")).UTC()
	})
}

func nesteds(depth int) *rapid.Generator[nested] {
	return rapid.Custom(func(t *rapid.T) nested {
		n := nested{Name: rapid.String().Draw(t, "name")}
		n.Pair[1] = rapid.Int32().Draw(t, "pair")
		if depth > 0 {
			n.Kids = nilIfEmpty(rapid.SliceOfN(nesteds(depth-1), 0, 2).Draw(t, "kids"))
		}
		return n
	})
}

// nilIfEmpty is for fields with omitempty, which decode to nil.
func nilIfEmpty[T any](s []T) []T {
	if len(s) == 0 {
		return nil
	}
	return s
}

func everythings(depth int) *rapid.Generator[everything] {
	return rapid.Custom(func(t *rapid.T) everything {
		text := rapid.String()
		e := everything{
			Base: Base{rapid.Int().Draw(t, "version"), text.Draw(t, "author")}, Text: text.Draw(t, "text"),
			I: rapid.Int().Draw(t, "i"), I8: rapid.Int8().Draw(t, "i8"), I16: rapid.Int16().Draw(t, "i16"),
			I32: rapid.Int32().Draw(t, "i32"), I64: rapid.Int64().Draw(t, "i64"), U: rapid.Uint().Draw(t, "u"),
			U8: rapid.Uint8().Draw(t, "u8"), U16: rapid.Uint16().Draw(t, "u16"), U32: rapid.Uint32().Draw(t, "u32"),
			U64: rapid.Uint64().Draw(t, "u64"), Yes: rapid.Bool().Draw(t, "yes"),
			F32: rapid.Float32Range(-math.MaxFloat32, math.MaxFloat32).Draw(t, "f32"),
			F64: rapid.Float64Range(-math.MaxFloat64, math.MaxFloat64).Draw(t, "f64"),
			At:  times().Draw(t, "at"), For: time.Duration(rapid.Int64().Draw(t, "for")),
			Strings: rapid.SliceOf(text).Draw(t, "strings"), Many: rapid.SliceOfN(nesteds(2), 0, 3).Draw(t, "many"),
			Counts: rapid.MapOf(text, rapid.Int64()).Draw(t, "counts"),
			ByID:   rapid.MapOfN(rapid.Uint16(), rapid.Ptr(nesteds(0), true), 0, 3).Draw(t, "byID"),
			Number: rapid.Ptr(rapid.Int(), true).Draw(t, "number"),
			Any: rapid.OneOf(
				rapid.Just[any](nil), rapid.Int64().AsAny(), text.AsAny(), rapid.Bool().AsAny(),
				rapid.Uint64Min(math.MaxInt64+1).AsAny(), rapid.SampledFrom([]float64{0.1, -1.5, 1e-300}).AsAny(),
				rapid.Just[any]([]any{int64(1), map[string]any{"a": "b"}}),
			).Draw(t, "any"),
		}
		if rapid.Bool().Draw(t, "some") {
			e.Bytes = rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")
			later := times().Filter(func(at time.Time) bool { return !at.IsZero() }).Draw(t, "later") // see codec.MsgPack
			e.Later, e.Pointed = &later, &Pointed{text.Draw(t, "far")}
			e.Deep = map[string][]map[string]string{text.Draw(t, "deep"): {{"a": "b"}, {}}}
		}
		if depth > 0 {
			e.Self = rapid.Ptr(everythings(depth-1), true).Draw(t, "self")
		}
		return e
	})
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sent := everythings(1).Draw(t, "sent")
		hidden := sent
		hidden.Ignored, hidden.private = "never sent", "never sent"
		for _, c := range []codec.Codec{codec.MsgPack, codec.JSON} {
			data, err := c.Append([]byte("before"), &hidden)
			require.NoError(t, err)
			require.Equal(t, "before", string(data[:6]))
			data = data[6:]
			require.NotContains(t, string(data), "never sent")
			require.NotContains(t, string(data), "private")

			var arrived everything
			require.NoError(t, c.Unmarshal(data, &arrived), "%s", data)
			require.Equal(t, sent, arrived, c.ContentType())

			byValue, err := c.Append(nil, hidden)
			require.NoError(t, err)
			if c == codec.MsgPack {
				require.True(t, codec.Equal(data, byValue))
				_, err = codec.ToJSON(data)
				require.NoError(t, err)
			}
		}
	})
}

// TestAcrossCodecs decodes as JSON, by way of ToJSON, what msgpack encoded.
func TestAcrossCodecs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sent := everythings(1).Draw(t, "sent")
		for e := &sent; e != nil; e = e.Self {
			e.Pointed = &Pointed{} // a nil one is encoded as a nil Far, for which encoding/json makes it
		}
		data, err := codec.MsgPack.Append(nil, &sent)
		require.NoError(t, err)
		asJSON, err := codec.ToJSON(data)
		require.NoError(t, err)
		var arrived everything
		require.NoError(t, codec.JSON.Unmarshal(asJSON, &arrived), "%s", asJSON)
		require.Equal(t, sent, arrived)
	})
}

func TestByteArrays(t *testing.T) {
	t.Parallel()
	sent := map[string][3]byte{"a": {1, 2, 3}}
	for _, c := range []codec.Codec{codec.MsgPack, codec.JSON} {
		data, err := c.Append(nil, sent)
		require.NoError(t, err)
		var arrived map[string][3]byte
		require.NoError(t, c.Unmarshal(data, &arrived))
		require.Equal(t, sent, arrived)
	}
}
