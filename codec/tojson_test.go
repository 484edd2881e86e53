package codec_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/codec"
)

func TestToJSON(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		"c0": "null", "c2": "false", "c3": "true", "01": "1", "ff": "-1", "d3 8000000000000000": "-9223372036854775808",
		"cf ffffffffffffffff":            "18446744073709551615",
		"cb 3ff8000000000000":            "1.5",
		"ca 3dcccccd":                    "0.1",
		"cb 7ff8000000000001":            `"NaN"`,
		"cb 7ff0000000000000":            `"Infinity"`,
		"ca ff800000":                    `"-Infinity"`,
		"'<a&\"b>'":                      `"<a&\"b>"`,
		"c4 03 010203":                   `"AQID"`,
		"d6 ff 00000000":                 `"1970-01-01T00:00:00Z"`,
		"d7 ff 00000004 00000001":        `"1970-01-01T00:00:01.000000001Z"`,
		"d5 05 0102":                     `{"ext":5,"data":"AQI="}`,
		"93 01 90 80":                    `[1,[],{}]`,
		"83 'b' 01 'a' 02 'c' 81 'x' c0": `{"b":1,"a":2,"c":{"x":null}}`,
		"86 01 01 c3 02 c0 03 cb 3ff8000000000000 04 c4 01 01 05 d6 ff 00000000 06": `{"1":1,"true":2,"null":3,"1.5":4,` +
			`"AQ==":5,"1970-01-01T00:00:00Z":6}`,
	} {
		got, err := codec.ToJSON(pack(data))
		require.NoError(t, err, data)
		require.Equal(t, want, string(got), data)
	}
	for data, want := range map[string]string{
		"":                           "empty body, expected a value",
		"82 01 01 '1' 02":            `["\"1\""]: there twice`,
		"81 90 01":                   "expected a simple value as the key of a map, got an array",
		"81 d4 05 01 01":             "expected a simple value as the key of a map, got an extension",
		"91 81 'a' 92 01 d5 ff 0000": `[0]["\"a\""][1]: a timestamp has 4, 8 or 12 bytes, not 2`,
		"01 01":                      "invalid msgpack at byte 1: 1 bytes after the value",
		"92 01":                      "invalid msgpack at byte 1: 2 elements declared, 1 bytes left",
	} {
		_, err := codec.ToJSON(pack(data))
		require.EqualError(t, err, want, data)
	}
	for name, data := range hostile() {
		_, err := codec.ToJSON(data)
		require.Error(t, err, name)
	}
}
