package codec_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/codec"
)

func TestFromJSONTakesTypesFromWhatWasThere(t *testing.T) {
	t.Parallel()
	type inner struct{ Data []byte }
	type value struct {
		At     time.Time
		Price  float64
		Small  float32
		Data   []byte
		ByID   map[int]string
		ByTemp map[float64]string
		List   []inner
		Name   string
		Count  uint64
		Any    any
	}
	was := value{
		At: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), Price: 2.5, Small: 1, Data: []byte{1, 2}, ByID: map[int]string{-1: "a"},
		ByTemp: map[float64]string{1: "x"}, List: []inner{{[]byte{3}}}, Name: "AQI=", Count: math.MaxUint64,
	}
	like, err := codec.MsgPack.Append(nil, was)
	require.NoError(t, err)
	text := []byte(`{"At":"2027-01-01T00:00:00Z","Price":3,"Small":"-Infinity","Data":"AwQ=","ByID":{"-1":"b","18":"c"},` +
		`"ByTemp":{"1":"x","3":"y"},"List":[{"Data":"BQ=="},{"Data":"Bg=="}],"Name":"AwQ=","Count":18446744073709551615,"Any":{"x":[1.5]}}`)
	data, err := codec.FromJSON(text, like)
	require.NoError(t, err)
	var got value
	require.NoError(t, codec.MsgPack.Unmarshal(data, &got))
	require.Equal(t, value{
		At: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), Price: 3, Small: float32(math.Inf(-1)), Data: []byte{3, 4},
		ByID: map[int]string{-1: "b", 18: "c"}, ByTemp: map[float64]string{1: "x", 3: "y"},
		List: []inner{{[]byte{5}}, {[]byte{6}}}, Name: "AwQ=", Count: math.MaxUint64,
		Any: map[string]any{"x": []any{1.5}},
	}, got)

	for bad, want := range map[string]string{
		`{"Data":"no"}`:            "Data",
		`{"At":"tomorrow"}`:        "At",
		`{"ByID":{"x":"y"}}`:       "the other keys are",
		`{"List":[{"Data":"x"}]}`:  "[0]",
		`{"At":"2027-01-01T0`:      "",
		`{} {}`:                    "",
		`{"Price":1,"Price":2} []`: "",
	} {
		_, err := codec.FromJSON([]byte(bad), like)
		require.ErrorContains(t, err, want, bad)
	}
	ext := pack("d4 05 07")
	same, err := codec.ToJSON(ext)
	require.NoError(t, err)
	kept, err := codec.FromJSON(same, ext)
	require.NoError(t, err)
	require.Equal(t, ext, kept)
	_, err = codec.FromJSON([]byte(`{"ext":5,"data":"CA=="}`), ext)
	require.Error(t, err)
	_, err = codec.FromJSON([]byte(`"x"`), ext)
	require.Error(t, err)

	plain, err := codec.FromJSON([]byte(`[1,"x"]`), []byte{0xc1})
	require.NoError(t, err, "damaged bytes guide nobody")
	require.Equal(t, pack("92 01 'x'"), plain)
}

// TestTextThatIsNoUTF8ComesBack if it was not edited.
func TestTextThatIsNoUTF8ComesBack(t *testing.T) {
	t.Parallel()
	stored := pack("82 A2 61 FF 01 'b' A2 62 FE")
	text, err := codec.ToJSON(stored)
	require.NoError(t, err)
	back, err := codec.FromJSON(text, stored)
	require.NoError(t, err)
	require.Equal(t, stored, back)
}

// TestThereAndBackByJSON converts values to JSON and back without a change.
func TestThereAndBackByJSON(t *testing.T) {
	t.Parallel()
	floats := rapid.Float64().Filter(func(f float64) bool { return f != 0 || !math.Signbit(f) }) // -0 comes back as 0
	float32s := rapid.Float32().Filter(func(f float32) bool { return f != 0 || !math.Signbit(float64(f)) })
	rapid.Check(t, func(t *rapid.T) {
		type value struct {
			F   float64
			F32 float32
			I   int
			U   uint64
			B   []byte
			S   string
			At  time.Time
			M   map[int16][]byte
			T   map[string]time.Time
			L   []float32
		}
		v := value{
			F: floats.Draw(t, "f"), F32: float32s.Draw(t, "f32"), I: rapid.Int().Draw(t, "i"),
			U: rapid.Uint64().Draw(t, "u"), B: rapid.SliceOf(rapid.Byte()).Draw(t, "b"), S: rapid.String().Draw(t, "s"),
			At: time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "at"), 5).UTC(),
			M:  rapid.MapOf(rapid.Int16(), rapid.SliceOf(rapid.Byte())).Draw(t, "m"),
			T:  map[string]time.Time{rapid.String().Draw(t, "key"): time.Unix(1, 0).UTC()},
			L:  rapid.SliceOf(float32s).Draw(t, "l"),
		}
		data, err := codec.MsgPack.Append(nil, v)
		require.NoError(t, err)
		text, err := codec.ToJSON(data)
		require.NoError(t, err)
		back, err := codec.FromJSON(text, data)
		require.NoError(t, err)
		require.True(t, codec.Equal(data, back), "%s", text)
	})
}
