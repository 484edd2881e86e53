package codec_test

import (
	"bytes"
	"encoding/json"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"

	"github.com/troupe-go/troupe/codec"
)

func addSeeds(f *testing.F) {
	f.Helper()
	for _, data := range hostile() {
		if len(data) < 1<<16 { // long inputs only slow the fuzzer down; TestHostile has them
			f.Add(data)
		}
	}
	f.Add(bytes.Repeat([]byte{0x91}, 70))
	valid, err := codec.MsgPack.Append(nil, everything{Pointed: &Pointed{}, Strings: []string{"a"}, Any: map[string]any{"x": 1.5}})
	require.NoError(f, err)
	f.Add(valid)
}

// FuzzUnmarshal decodes any bytes into every type. What decodes must encode, and then decode to the same.
func FuzzUnmarshal(f *testing.F) {
	debug.SetMemoryLimit(1 << 30)
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		original := bytes.Clone(data)
		for _, into := range append(targets(), new(everything), new(nested), new(map[uint16]*nested)) {
			if codec.MsgPack.Unmarshal(data, into) != nil {
				continue
			}
			require.Equal(t, original, data)
			switch raw := into.(type) {
			case *custom:
				continue // it encodes as two values
			case *msgpack.RawMessage:
				if *raw == nil {
					continue // it encodes as none
				}
			}
			encoded, err := codec.MsgPack.Append(nil, into)
			require.NoError(t, err)
			again := targetLike(into)
			require.NoError(t, codec.MsgPack.Unmarshal(encoded, again), "%x into %T", encoded, into)
			reencoded, err := codec.MsgPack.Append(nil, again)
			require.NoError(t, err)
			require.True(t, codec.Equal(encoded, reencoded), "%x %x", encoded, reencoded)
		}
		for _, into := range targets() {
			_ = codec.JSON.Unmarshal(data, into)
		}
	})
}

func FuzzEqual(f *testing.F) {
	addSeeds(f)
	f.Add(pack("82 'a' 01 'b' 02"))
	f.Fuzz(func(t *testing.T, data []byte) {
		require.True(t, codec.Equal(data, bytes.Clone(data)))
		half := len(data) / 2
		a, b := data[:half], data[half:]
		require.Equal(t, codec.Equal(a, b), codec.Equal(b, a))

		// A map of two values is equal in the other order, if both values are valid.
		_, errA := codec.ToJSON(a)
		_, errB := codec.ToJSON(b)
		if errA == nil && errB == nil {
			one := append(append(pack("82 01"), a...), append([]byte{2}, b...)...)
			two := append(append(pack("82 02"), b...), append([]byte{1}, a...)...)
			_, tooDeep := codec.ToJSON(one)
			require.Equal(t, tooDeep == nil, codec.Equal(one, two))
		}
	})
}

func FuzzToJSON(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		out, err := codec.ToJSON(data)
		if err != nil {
			return
		}
		require.True(t, json.Valid(out), "%s", out)
		require.LessOrEqual(t, len(out), 16*len(data)+64)
	})
}

// FuzzMerge merges any bytes. Without unknown entries the result is the change; without a change it is what is stored.
func FuzzMerge(f *testing.F) {
	addSeeds(f)
	f.Add(append(pack("82 'a' 01 'b' 02"), pack("81 'a' 01 81 'a' 02")...))
	f.Fuzz(func(t *testing.T, data []byte) {
		third := len(data) / 3
		a, b := data[:third], data[third:2*third]
		_, _ = codec.Merge(a, b, data[2*third:])
		merged, err := codec.Merge(a, a, b)
		same, sameErr := codec.Merge(a, b, b)
		require.Equal(t, err == nil, sameErr == nil)
		if err == nil {
			require.True(t, codec.Equal(b, merged), "%x %x", b, merged)
			require.True(t, codec.Equal(a, same), "%x %x", a, same)
		}
	})
}

// FuzzFromJSON converts any value to JSON and back, and expects the same JSON again.
func FuzzFromJSON(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		text, err := codec.ToJSON(data)
		if err != nil {
			return
		}
		back, err := codec.FromJSON(text, data)
		if err != nil {
			return // two keys with the same text
		}
		again, err := codec.ToJSON(back)
		require.NoError(t, err)
		require.JSONEq(t, string(text), string(again))
	})
}
