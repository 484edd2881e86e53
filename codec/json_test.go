package codec_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/codec"
)

func TestJSONErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		data string
		into any
		want string
	}{
		{" \n", new(item), "empty body, expected a value"},
		{`{"small":300}`, new(item), "small: 300 does not fit int8"},
		{`{"delta":9223372036854775808}`, new(item), "delta: 9223372036854775808 does not fit int64"},
		{`{"delta":1.5}`, new(item), "delta: 1.5 does not fit int64"},
		{`{"delta":"1"}`, new(item), "delta: expected int64, got string"},
		{`{"price":1e999}`, new(item), "price: 1e999 does not fit float64"},
		{`{"extra":[1e999]}`, new(order), `Extra[0]: "1e999" is too large a number`},
		{`[1]`, new(gift), "expected codec_test.gift, got array"},
		{`{"note":1`, new(gift), "invalid JSON: unexpected end"},
		{`{"note":}`, new(gift), "invalid JSON at byte 9: invalid character '}' looking for beginning of value"},
		{`{} {}`, new(gift), "invalid JSON: 3 bytes after the value"},
		{`{}x`, new(gift), "invalid JSON: 1 bytes after the value"},
		{`{"a":"bad"}`, new(map[string]text), "a bad text"},
		{`"panic"`, new(text), "decoding panicked: at the disco"},
	} {
		require.EqualError(t, codec.JSON.Unmarshal([]byte(test.data), test.into), test.want, test.data)
	}
	err := codec.JSON.Unmarshal([]byte(`{"items":[{},{"quantity":-1}]}`), new(order))
	require.Error(t, err)
	since127 := "items.1.quantity: -1 does not fit uint64"
	require.Contains(t, []string{"items.quantity: -1 does not fit uint64", since127}, err.Error())
}

// TestJSONNesting has brackets that count, and brackets within strings, which do not.
func TestJSONNesting(t *testing.T) {
	t.Parallel()
	nested := func(before string, levels int, after string) []byte {
		return []byte(before + strings.Repeat("[", levels) + strings.Repeat("]", levels) + after)
	}
	for _, data := range [][]byte{
		nested("", 64, ""), nested(`{"a":`, 63, "}"), nested(`"`, 100, `"`), nested(`"\"`, 100, `"`), nested(`["\\",`, 63, "]"),
		nested(`{"\\\"`, 100, `":[[[1]]]}`), []byte("[" + strings.Repeat("[],", 100) + "1]"),
	} {
		require.NoError(t, codec.JSON.Unmarshal(data, new(any)), "%s", data)
	}
	for _, data := range [][]byte{nested("", 65, ""), nested(`{"a":`, 64, "}"), nested(`["\"",`, 64, "]"), nested(`["\\",`, 64, "]"), nested("", 1<<20, "")} {
		for _, into := range []any{new(any), new(order), new(json.RawMessage)} {
			require.ErrorContains(t, codec.JSON.Unmarshal(data, into), "nested deeper than 64 levels")
		}
	}
	// The path of such an error was once copied at each level.
	step := `{"` + strings.Repeat("k", 50) + `":`
	deep := []byte(strings.Repeat(step, 9000) + "1e999" + strings.Repeat("}", 9000))
	require.Less(t, len(codec.JSON.Unmarshal(deep, new(any)).Error()), 100)
	require.Less(t, len(codec.JSON.Unmarshal(bytes.Repeat([]byte("1"), 1<<20), new(int)).Error()), 100)
}

// TestJSONTakesNoMoreMemoryThanItIsWorth has JSON that decodes to a multiple of its size, and JSON that only looks like
// it.
func TestJSONTakesNoMoreMemoryThanItIsWorth(t *testing.T) {
	t.Parallel()
	type wide struct {
		Numbers [1024]int
		Next    *wide
	}
	type both struct {
		Wide  []wide `json:"wide"`
		Small [][]int8
		Map   map[string]wide
		Any   any
		Own   json.RawMessage
	}
	many := func(before, one string, n int, after string) []byte {
		return []byte(before + strings.Repeat(one+",", n) + one + after)
	}
	for _, test := range []struct {
		data []byte
		into any
	}{
		{many("[", "[]", 35_000, "]"), new([][1024]int)},
		{many("[", "null", 35_000, "]"), new([]wide)},
		{many("[", "{}", 35_000, "]"), new([]*wide)},
		{many(`{"wide":[`, "{}", 35_000, "]}"), new(both)},
		{many(`{"WIDE":[`, `{"Next":{}}`, 35_000, "]}"), new(both)},
		{many(`{"Any":[`, "{}", 35_000, `],"wide":[`+strings.Repeat("{},", 35_000)+"{}]}"), new(both)},
		{many(`{"Map":{`, `"a":{}`, 35_000, "}}"), new(both)},
	} {
		require.True(t, json.Valid(test.data))
		require.ErrorContains(t, codec.JSON.Unmarshal(test.data, test.into), "too much memory", "%.40s", test.data)
	}
	for _, data := range [][]byte{
		many(`{"Small":[`, "[]", 35_000, "]}"), many(`{"Any":[`, "{}", 35_000, "]}"), many(`{"Own":[`, "{}", 35_000, "]}"),
		many(`{"unknown":[`, "{}", 35_000, "]}"), many(`{"wide":[`, "{}", 100, "]}"), many(`{"wide":[{"Next":null},`, "null", 100, "]}"), []byte(`{"wide":[],"Small":null,"Map":{}}`),
	} {
		require.NoError(t, codec.JSON.Unmarshal(data, new(both)), "%.40s", data)
	}
}

func TestJSONMends(t *testing.T) {
	t.Parallel()
	type shelf struct {
		Any  any
		List []any
		Map  map[string]struct{ At time.Time }
		Ptr  *any
		Arr  [2]time.Time
		Ref  text
	}
	var s shelf
	require.NoError(t, codec.JSON.Unmarshal([]byte(`{"Any":1,"List":[1.0,1e2,[18446744073709551615]],
		"Map":{"a":{"At":"2024-01-01T02:00:00+02:00"}},"Ptr":{"x":-1},"Arr":["2024-01-01T02:00:00+02:00"],"Ref":"x"}`), &s))
	midnight := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	var pointed any = map[string]any{"x": int64(-1)}
	require.Equal(t, shelf{
		Any: int64(1), List: []any{1.0, 100.0, []any{uint64(18446744073709551615)}},
		Map: map[string]struct{ At time.Time }{"a": {midnight}}, Ptr: &pointed, Arr: [2]time.Time{midnight}, Ref: text{"x"},
	}, s)

	out, err := codec.JSON.Append([]byte("x"), "<&>")
	require.NoError(t, err)
	require.Equal(t, `x"<&>"`, string(out))
}
