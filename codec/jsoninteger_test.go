package codec_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/codec"
)

type jsonIntegers struct {
	N    int
	U    *uint8
	List []int64
	Map  map[string]int
	Any  any
	F    float64
}

func TestJSONIntegersMayHaveFractionsOrExponents(t *testing.T) {
	t.Parallel()
	one := uint8(1)
	for text, want := range map[string]jsonIntegers{
		`{"N":5.0}`:     {N: 5},
		`{"n":-1.50e1}`: {N: -15},
		`{"N":1e3,"Any":[1e3,5.0,5],"F":1e3,"List":[1.0,2,3E0]}`: {N: 1000, Any: []any{1000.0, 5.0, int64(5)}, F: 1000, List: []int64{1, 2, 3}},
		`{"U":1.0,"Map":{"a":0.0,"b":100e-2}}`:                   {U: &one, Map: map[string]int{"a": 0, "b": 1}},
		`{"List":[9223372036854775807.0,9007199254740993.0]}`:    {List: []int64{9223372036854775807, 9007199254740993}},
	} {
		var got jsonIntegers
		require.NoError(t, codec.JSON.Unmarshal([]byte(text), &got), text)
		require.Equal(t, want, got, text)
	}
	for text, want := range map[string]string{
		`{"N":5.5}`:            "N: 5.5 does not fit int",
		`{"N":1e-1}`:           "N: 1e-1 does not fit int",
		`{"N":1e400}`:          "N: 1e400 does not fit int",
		`{"U":256.0}`:          "U: 256 does not fit uint8",
		`{"List":[1.0,1.5]}`:   "List: 1.5 does not fit int64",
		`{"N":1e99999999999}`:  "N: 1e99999999999 does not fit int",
		`{"N":1.0,"N":"text"}`: "N: expected int, got string",
	} {
		var got jsonIntegers
		require.EqualError(t, codec.JSON.Unmarshal([]byte(text), &got), want, text)
	}
	var n int
	require.NoError(t, codec.JSON.Unmarshal([]byte(` 5.0 `), &n))
	require.Equal(t, 5, n)
	require.EqualError(t, codec.JSON.Unmarshal([]byte(`5.0 6`), &n), "invalid JSON: 2 bytes after the value")
}

func TestJSONOfBrokenCharactersIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"\"\xff\"", `"\ud800"`, `"a\udc00b"`, `"\ud800\u0041"`, `{"\uD83D":1}`} {
		require.Error(t, codec.JSON.Unmarshal([]byte(text), new(any)), "%q", text)
	}
	for text, want := range map[string]string{`"\ud83d\ude00"`: "\U0001F600", `"\\ud800"`: `\ud800`, `"\ufffd"`: "\uFFFD", `"\u00e9\\"`: `é\`} {
		var got any
		require.NoError(t, codec.JSON.Unmarshal([]byte(text), &got), text)
		require.Equal(t, want, got)
	}
	for _, c := range []codec.Codec{codec.JSON, codec.MsgPack} {
		for _, v := range []any{"\xff", map[string]int{"\xff": 1}, []any{"a\xc0"}, struct{ S string }{"\xed\xa0\x80"}} {
			_, err := c.Append(nil, v)
			require.ErrorContains(t, err, "not UTF-8")
		}
		out, err := c.Append(nil, "\uFFFD \\ufffd")
		require.NoError(t, err)
		var got string
		require.NoError(t, c.Unmarshal(out, &got))
		require.Equal(t, "\uFFFD \\ufffd", got)
	}
	require.ErrorContains(t, codec.MsgPack.Unmarshal([]byte("\xa1\xff"), new(string)), "not UTF-8")
	require.ErrorContains(t, codec.MsgPack.Unmarshal([]byte("\xa1\xff"), new(any)), "not UTF-8")
}
