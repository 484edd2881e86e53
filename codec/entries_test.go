package codec_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/codec"
)

func TestEntries(t *testing.T) {
	t.Parallel()
	data := pack("83 'a' 01 d9 01 62 82 'x' c0 'y' 91 02 'c' c4 01 ff")
	entries, err := codec.Entries(data)
	require.NoError(t, err)
	require.Equal(t, []codec.Entry{
		{Name: "a", Value: pack("01"), Whole: pack("'a' 01")},
		{Name: "b", Value: pack("82 'x' c0 'y' 91 02"), Whole: pack("d9 01 62 82 'x' c0 'y' 91 02")},
		{Name: "c", Value: pack("c4 01 ff"), Whole: pack("'c' c4 01 ff")},
	}, entries, "as they are encoded")
	for _, none := range [][]byte{nil, pack("80"), pack("df 00 00 00 00")} {
		entries, err := codec.Entries(none)
		require.NoError(t, err)
		require.Empty(t, entries)
	}
	for text, want := range map[string]string{
		"c0":                 "expected a map, got nil",
		"91 01":              "expected a map, got an array",
		"81 01 01":           "expected a string as a key, got an integer",
		"81 c4 01 ff 01":     "expected a string as a key, got bytes",
		"82 'a' 01 'a' 01":   `["a"]: there twice`,
		"81 'a'":             `["a"]: invalid msgpack at byte 3: unexpected end`,
		"81 'a' c1":          `["a"]: invalid msgpack at byte 3: reserved code 0xc1`,
		"80 c0":              "invalid msgpack at byte 1: 1 bytes after the value",
		"dfffffffff":         "invalid msgpack at byte 5: length 4294967295 declared, 0 bytes left",
		"81 'a' c6 7fffffff": `["a"]: invalid msgpack at byte 8: length 2147483647 declared, 0 bytes left`,
	} {
		entries, err := codec.Entries(pack(text))
		require.EqualError(t, err, want, text)
		require.Nil(t, entries)
	}
	_, err = codec.Entries(append(pack("81 'a'"), bytes.Repeat([]byte{0x91}, 1<<20)...))
	require.ErrorContains(t, err, "nested deeper")
}

// FuzzEntries: the entries are complete and in order.
func FuzzEntries(f *testing.F) {
	f.Add(pack("83 'a' 01 'b' 82 'x' c0 'y' 91 02 'c' c4 01 ff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := codec.Entries(data)
		if err != nil {
			require.Nil(t, entries)
			return
		}
		var whole []byte
		for _, e := range entries {
			require.True(t, bytes.HasSuffix(e.Whole, e.Value))
			whole = append(whole, e.Whole...)
		}
		require.True(t, bytes.HasSuffix(data, whole))
		again, err := codec.Entries(append(codec.AppendMap(nil, len(entries)), whole...))
		require.NoError(t, err)
		require.Len(t, again, len(entries))
	})
}
