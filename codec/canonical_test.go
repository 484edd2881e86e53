package codec_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/codec"
)

func TestCanonicalIsTheSameForTheSame(t *testing.T) {
	t.Parallel()
	for name, same := range map[string][]string{
		"integers":   {"\x05", "\xcc\x05", "\xcd\x00\x05", "\xd0\x05", "\xcb\x40\x14\x00\x00\x00\x00\x00\x00", "\xca\x40\xa0\x00\x00"},
		"negatives":  {"\xff", "\xd0\xff", "\xd1\xff\xff", "\xd3\xff\xff\xff\xff\xff\xff\xff\xff", "\xca\xbf\x80\x00\x00"},
		"zero":       {"\x00", "\xcb\x80\x00\x00\x00\x00\x00\x00\x00"},
		"texts":      {"\xa1x", "\xd9\x01x", "\xda\x00\x01x", "\xdb\x00\x00\x00\x01x"},
		"bytes":      {"\xc4\x01x", "\xc5\x00\x01x"},
		"lists":      {"\x91\x01", "\xdc\x00\x01\xcc\x01", "\xdd\x00\x00\x00\x01\x01"},
		"maps":       {"\x82\xa1a\x01\xa1b\x02", "\x82\xa1b\x02\xa1a\x01", "\xde\x00\x02\xd9\x01b\xcc\x02\xa1a\x01"},
		"extensions": {"\xd4\x05x", "\xc7\x01\x05x", "\xc8\x00\x01\x05x"},
		"fractions":  {"\xca\x3f\x00\x00\x00", "\xcb\x3f\xe0\x00\x00\x00\x00\x00\x00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, err := codec.AppendCanonical([]byte("before"), []byte(same[0]))
			require.NoError(t, err)
			for _, other := range same {
				got, err := codec.AppendCanonical([]byte("before"), []byte(other))
				require.NoError(t, err)
				require.Equal(t, first, got, "%x", other)
			}
		})
	}
}

func TestCanonicalIsAnotherForAnother(t *testing.T) {
	t.Parallel()
	seen := map[string]any{}
	for _, value := range []any{
		nil, false, true, 0, 1, -1, 0.5, math.MaxInt64, uint64(math.MaxUint64), math.MinInt64, math.Inf(1), math.Inf(-1), math.NaN(), 1e300,
		"", "1", []byte("1"), []byte{}, []any{}, []any{1}, []any{1, 2}, []any{2, 1}, map[string]any{}, map[string]any{"a": 1}, map[string]any{"a": "1"},
		map[string]any{"b": 1}, map[string]any{"a": 1, "b": 2}, map[string]any{"a": 2, "b": 1},
	} {
		data, err := codec.MsgPack.Append(nil, value)
		require.NoError(t, err)
		got, err := codec.AppendCanonical(nil, data)
		require.NoError(t, err)
		require.NotContains(t, seen, string(got), "%#v", value)
		seen[string(got)] = value
	}
}

func TestCanonicalOfNothingIsAnError(t *testing.T) {
	t.Parallel()
	for _, data := range []string{"", "\xc1", "\x91", "\x81\x01", "\x01\x01", "\xa5x"} {
		got, err := codec.AppendCanonical([]byte("before"), []byte(data))
		require.Error(t, err)
		require.Equal(t, "before", string(got))
	}
}
