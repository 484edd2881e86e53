package codec_test

import (
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
		{`{"items":[{},{"quantity":-1}]}`, new(order), "items.quantity: -1 does not fit uint64"},
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
