package codec_test

import (
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

func BenchmarkEqual(b *testing.B) {
	for name, v := range map[string]any{"struct": newSample(), "map": map[int]int{1: 1, 2: 2, 3: 3, 4: 4}} {
		one, _ := codec.MsgPack.Append(nil, v)
		two, _ := codec.MsgPack.Append(nil, v)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = codec.Equal(one, two)
			}
		})
	}
}
