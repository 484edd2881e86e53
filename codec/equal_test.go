package codec_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/codec"
)

func TestEqual(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"", "", true},
		{"01", "01", true},
		{"01", "02", false},
		{"01", "cc01", false},
		{"c1", "c1", true},
		{"82 'a' 01 'b' 02", "82 'b' 02 'a' 01", true},
		{"82 'a' 01 'b' 02", "82 'b' 01 'a' 02", false},
		{"92 01 02", "92 02 01", false},
		{"91 82 'a' 01 'b' 02", "91 82 'b' 02 'a' 01", true},
		{"82 'a' 82 01 02 03 04 'b' 02", "82 'b' 02 'a' 82 03 04 01 02", true},
		{"82 82 01 02 03 04 05 06 07", "82 06 07 82 03 04 01 02 05", true},
		{"82 01 01 01 02", "82 01 02 01 01", true},
		{"82 'a' 01 'b' c1", "82 'b' c1 'a' 01", false},
		{"81 01 02 03", "81 01 02 04", false},
		{"dd ffffffff", "dd fffffffe", false},
		{"81 'a' 01", "82 'a' 01", false},
	} {
		require.Equal(t, test.want, codec.Equal(pack(test.a), pack(test.b)), "%s = %s", test.a, test.b)
		require.Equal(t, test.want, codec.Equal(pack(test.b), pack(test.a)), "%s = %s", test.b, test.a)
	}
	deep := bytes.Repeat([]byte{0x91}, 1_000_000)
	require.False(t, codec.Equal(append(deep, 1), append(slices.Clip(deep), 2)))
}

func TestEqualWhateverTheOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.MapOf(rapid.Int16(), rapid.MapOf(rapid.String(), rapid.Int())).Draw(t, "m")
		a, err := codec.MsgPack.Append(nil, m)
		require.NoError(t, err)
		b := byLibrary(t, m)
		require.True(t, codec.Equal(a, b))

		key := rapid.Int16().Draw(t, "key")
		if inner, ok := m[key]; ok {
			m[key] = map[string]int{"": len(inner) + inner[""] + 1}
		} else {
			m[key] = nil
		}
		b, err = codec.MsgPack.Append(nil, m)
		require.NoError(t, err)
		require.False(t, codec.Equal(a, b))
	})
}
