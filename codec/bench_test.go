package codec_test

import (
	"strconv"
	"testing"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/troupe-go/troupe/codec"
)

type sample struct {
	Name    string  `json:"name" msgpack:"name"`
	ID      uint64  `json:"id" msgpack:"id"`
	Balance int64   `json:"balance" msgpack:"balance"`
	City    string  `json:"city" msgpack:"city"`
	Active  bool    `json:"active" msgpack:"active"`
	Score   float64 `json:"score" msgpack:"score"`
	Hash    []byte  `json:"hash" msgpack:"hash"`
}

func newSample() *sample {
	return &sample{"a name of a user", 123456789, -42, "a city", true, 0.75, make([]byte, 32)}
}

func BenchmarkEncode(b *testing.B) {
	v := newSample()
	dst := make([]byte, 0, 512)
	for _, c := range []codec.Codec{codec.MsgPack, codec.JSON} {
		b.Run(c.ContentType(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = c.Append(dst, v)
			}
		})
	}
	b.Run("msgpack.Marshal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = msgpack.Marshal(v)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	for _, c := range []codec.Codec{codec.MsgPack, codec.JSON} {
		data, _ := c.Append(nil, newSample())
		b.Run(c.ContentType(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var into sample
				_ = c.Unmarshal(data, &into)
			}
		})
	}
	data, _ := msgpack.Marshal(newSample())
	b.Run("msgpack.Unmarshal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var into sample
			_ = msgpack.Unmarshal(data, &into)
		}
	})
}

// BenchmarkEncodeMap encodes maps, of which one is as large as a state may well be.
func BenchmarkEncodeMap(b *testing.B) {
	for _, entries := range []int{2, 4000} {
		b.Run(strconv.Itoa(entries), func(b *testing.B) {
			m := make(map[string]sample, entries)
			for i := range entries {
				m["key-"+strconv.Itoa(i)] = *newSample()
			}
			dst, _ := codec.MsgPack.Append(nil, m)
			b.SetBytes(int64(len(dst)))
			b.ReportAllocs()
			for b.Loop() {
				_, _ = codec.MsgPack.Append(dst[:0], m)
			}
		})
	}
}

func BenchmarkEqual(b *testing.B) {
	for name, encodings := range map[string][2]string{
		"struct": {"82 'a' 01 'b' 02", "82 'a' 01 'b' 02"}, "map in another order": {"82 'a' 01 'b' 02", "82 'b' 02 'a' 01"},
	} {
		one, two := pack(encodings[0]), pack(encodings[1])
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = codec.Equal(one, two)
			}
		})
	}
}
