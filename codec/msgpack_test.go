package codec_test

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"

	"github.com/troupe-go/troupe/codec"
)

func typeName(into any) string { return fmt.Sprintf("%T", into)[1:] }

func TestWrongTypes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, data string
		into       any
		want       string
	}{
		{"negative for unsigned", "81 'items' 93 80 80 81 'quantity' ff", new(order), "items[2].quantity: -1 does not fit uint64"},
		{"too large", "81 'small' cd 012c", new(item), "small: 300 does not fit int8"},
		{"beyond int64", "81 'delta' cf 8000000000000000", new(item), "delta: 9223372036854775808 does not fit int64"},
		{"fraction", "81 'delta' cb 3ff8000000000000", new(item), "delta: 1.5 does not fit int64"},
		{"float beyond int64", "cb 43e0000000000000", new(int64), "9.223372036854776e+18 does not fit int64"},
		{"float beyond uint64", "cb 43f0000000000000", new(uint64), "1.8446744073709552e+19 does not fit uint64"},
		{"NaN for int", "cb 7ff8000000000000", new(int), "NaN does not fit int"},
		{"infinity for uint", "cb 7ff0000000000000", new(uint), "+Inf does not fit uint"},
		{"negative float for uint", "cb bff0000000000000", new(uint), "-1 does not fit uint"},
		{"integral float too large", "cb 4072c00000000000", new(uint8), "300 does not fit uint8"},
		{"inexact integer for float64", "cf 0020000000000001", new(float64), "9007199254740993 does not fit float64"},
		{"inexact integer for float32", "ce 01000001", new(float32), "16777217 does not fit float32"},
		{"max uint64 for float64", "cf ffffffffffffffff", new(float64), "18446744073709551615 does not fit float64"},
		{"too large for float32", "cb 7e37e43c8800759c", new(float32), "1e+300 does not fit float32"},
		{"string for int", "81 'delta' '12'", new(item), "delta: expected int64, got a string"},
		{"string for bool", "81 'paid' 'true'", new(item), "paid: expected a boolean, got a string"},
		{"integer for bool", "81 'paid' 01", new(item), "paid: expected a boolean, got an integer"},
		{"integer for string", "81 'name' 01", new(item), "name: expected a string, got an integer"},
		{"bytes for string", "81 'name' c4 01 61", new(item), "name: expected a string, got bytes"},
		{"string for bytes", "81 'raw' 'ab'", new(item), "raw: expected bytes, got a string"},
		{"bytes for array too long", "81 'hash' c4 03 000000", new(item), "hash: expected 2 bytes, got 3"},
		{"array for byte array", "81 'hash' 92 00 00", new(item), "hash: expected bytes, got an array"},
		{"array for struct", "91 'x'", new(gift), "expected a map for codec_test.gift, got an array"},
		{"string for struct", "81 'gift' 'x'", new(order), "gift: expected a map for codec_test.gift, got a string"},
		{"map for slice", "81 'items' 80", new(order), "items: expected an array, got a map"},
		{"array for map", "81 'Labels' 90", new(order), "Labels: expected a map, got an array"},
		{"value of map", "81 'Labels' 82 'a' 'b' 'c' 01", new(order), `Labels["c"]: expected a string, got an integer`},
		{"key of map", "81 01 'a'", new(map[string]string), "[key 0]: expected a string, got an integer"},
		{"no digits as key", "81 'x1' 'a'", new(map[int]string), `[key 0]: expected int, got the text "x1"`},
		{"digits as key that do not fit", "81 '300' 'a'", new(map[uint8]string), `[key 0]: expected uint8, got the text "300"`},
		{"sign as key", "81 '-1' 'a'", new(map[uint]string), `[key 0]: expected uint, got the text "-1"`},
		{"bytes as key", "81 c4 01 31 'a'", new(map[int]string), "[key 0]: expected int, got bytes"},
		{"duplicate key by its digits", "82 01 'a' '1' 'b'", new(map[int]string), `[1]: there twice`},
		{"nil key of map", "81 c0 'a'", new(map[string]string), "the key of an entry is nil"},
		{"nil key in any", "81 c0 'a'", new(any), "expected a string as the key of a map, got nil"},
		{"name of field", "81 01 'a'", new(item), "expected the name of a field of codec_test.item, got an integer"},
		{"short array", "92 01 02", new([3]int), "expected 3 elements, got 2"},
		{"string for time", "81 'at' 'now'", new(order), "at: expected a timestamp, got a string"},
		{"other extension for time", "81 'at' d4 01 00", new(order), "at: expected a timestamp, got an extension"},
		{"odd timestamp", "81 'at' d5 ff 0000", new(order), "at: a timestamp has 4, 8 or 12 bytes, not 2"},
		{"nanoseconds of timestamp", "d7 ff ffffffff 00000000", new(time.Time), "the timestamp is out of range"},
		{"seconds of timestamp", "c7 0c ff 00000000 7fffffffffffffff", new(time.Time), "the timestamp is out of range"},
		{"extension in any", "81 'extra' 91 d4 05 00", new(order), "extra[0]: unknown extension type 5"},
		{"duplicate field", "82 'id' 'a' 'id' 'b'", new(order), "id: there twice"},
		{"duplicate key", "82 'a' 'a' 'a' 'b'", new(map[string]string), `["a"]: there twice`},
		{"duplicate key by value", "82 01 'a' cc 01 'b'", new(map[int]string), `[1]: there twice`},
		{"duplicate key in any", "81 'extra' 82 'a' 01 'a' 02", new(order), `extra["a"]: there twice`},
		{"interface with methods", "01", new(fmt.Stringer), "type fmt.Stringer has no encoding: fmt.Stringer is an interface with methods: nothing can be decoded into it"},
		{"text", "81 'a' 'bad'", new(map[string]text), `["a"]: a bad text`},
		{"not text", "81 'a' 01", new(map[string]text), `["a"]: expected bytes or a string, got an integer`},
		{"binary", "c4 02 0000", new(binary), "one byte expected"},
		{"panic", "'panic'", new(text), "decoding panicked: at the disco"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			require.EqualError(t, codec.MsgPack.Unmarshal(pack(test.data), test.into), test.want)
		})
	}
}

func TestAccepted(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, data string
		into, want any
	}{
		{"integral float", "cb 4340000000000000", new(int64), int64(1 << 53)},
		{"integral float for uint", "ca 43960000", new(uint16), uint16(300)},
		{"negative integral float", "cb bff0000000000000", new(int8), int8(-1)},
		{"min int64 as float", "cb c3e0000000000000", new(int64), int64(math.MinInt64)},
		{"integer for float", "01", new(float64), 1.0},
		{"min int64 for float", "d3 8000000000000000", new(float64), -0x1p63},
		{"2^63 for float", "cf 8000000000000000", new(float64), 0x1p63},
		{"int64 code for uint", "d3 0000000000000005", new(uint8), uint8(5)},
		{"duration", "ce 3b9aca00", new(time.Duration), time.Second},
		{"unknown field", "82 'new' 92 01 80 'note' 'x'", new(gift), gift{"x"}},
		{"text from string", "'<a>'", new(text), text{"a"}},
		{"text from bytes", "c4 03 3c 61 3e", new(text), text{"a"}},
		{"binary", "c4 01 07", new(binary), binary{7}},
		{"custom", "82 'x' 01 'y' 02", new(custom), custom{1, 2}},
		{"raw", "82 'x' 01 'y' 02", new(msgpack.RawMessage), msgpack.RawMessage(pack("82 'x' 01 'y' 02"))},
		{"text as key", "81 'a' 01", new(map[text]int), map[text]int{{"a"}: 1}},
		{"digits as key", "82 '-7' 'a' 02 'b'", new(map[int]string), map[int]string{-7: "a", 2: "b"}},
		{"digits as unsigned key", "81 '18446744073709551615' 01", new(map[uint64]int), map[uint64]int{math.MaxUint64: 1}},
		{"timestamp 96", "c7 0c ff 00000001 fffffffffffffff6", new(time.Time), time.Unix(-10, 1).UTC()},
		{"empty bytes", "c4 00", new([]byte), []byte{}},
		{"empty slice", "90", new([]int), []int{}},
		{"recursive", "82 'name' 'a' 'next' 81 'kids' 91 81 'name' 'b'", new(node),
			node{Name: "a", Next: &node{Kids: []node{{Name: "b"}}}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, codec.MsgPack.Unmarshal(pack(test.data), test.into))
			requirePointsTo(t, test.want, test.into)
		})
	}
}

func requirePointsTo(t *testing.T, want, pointer any) {
	t.Helper()
	require.Equal(t, want, reflect.ValueOf(pointer).Elem().Interface())
}

// hostile lists data that must not decode into any target.
func hostile() map[string][]byte {
	valid, err := codec.MsgPack.Append(nil, order{ID: "1", Items: []item{{Raw: make([]byte, 300)}}, At: time.Now(), Extra: 1.5})
	if err != nil {
		panic(err)
	}
	all := map[string][]byte{
		"array bomb":          pack("dd ffffffff"),
		"array bomb in field": pack("81 'extra' dd ffffff7f"),
		"map bomb":            pack("df ffffffff"),
		"bytes bomb":          pack("c6 ffffffff"),
		"string bomb":         pack("db ffffffff"),
		"extension bomb":      pack("c9 ffffffff ff"),
		"bomb in unknown":     pack("81 'zzz' dd ffffffff"),
		"map16 bomb":          pack("de ffff 01"),
		"reserved code":       pack("c1"),
		"reserved in field":   pack("81 'extra' c1"),
		"nested arrays":       bytes.Repeat([]byte{0x91}, 1_000_000),
		"nested maps":         bytes.Repeat([]byte{0x81, 0xa1, 'a'}, 300_000),
		"nested in unknown":   append(pack("81 'zzz'"), bytes.Repeat([]byte{0x91}, 1_000_000)...),
		"trailing":            pack("80 80"),
		"trailing nil":        append(bytes.Clone(valid), 0xc0),
	}
	for i := range valid {
		all[fmt.Sprint("cut at ", i)] = valid[:i]
	}
	return all
}

func targets() []any {
	return []any{
		new(any), new([]any), new([]int), new(map[string]any), new(map[string]string), new(order), new(item), new(node),
		new([]string), new([]byte), new(string), new(int64), new(time.Time), new(*struct{}), new(custom), new(text),
		new(msgpack.RawMessage), new(map[int8]bool), new([3]float32), new(**order), new([][]node),
	}
}

func TestHostile(t *testing.T) {
	t.Parallel()
	for name, data := range hostile() {
		for _, into := range targets() {
			if _, isNothing := into.(**struct{}); isNothing && len(data) == 0 {
				continue
			}
			start := time.Now()
			require.Error(t, codec.MsgPack.Unmarshal(data, into), "%s into %T", name, into)
			require.Less(t, time.Since(start), time.Second, "%s into %T", name, into)
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	const size = 1 << 20
	head := []byte{0xdd, 0, 0x10, 0, 0}
	bombs := map[byte]string{0xc0: "nil", 0x80: "empty maps", 0x90: "empty arrays", 0xa0: "empty strings"}
	type large struct{ _, A [128]int }
	for fill, name := range bombs {
		data := append(bytes.Clone(head), bytes.Repeat([]byte{fill}, size)...)
		for _, into := range append(targets(), new([]large), new([]*large), new([]map[string]int), new([][]large)) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_ = codec.MsgPack.Unmarshal(data, into)
			runtime.ReadMemStats(&after)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(160*size), "%s into %T", name, into)
		}
	}
	require.ErrorContains(t, codec.MsgPack.Unmarshal(append(bytes.Clone(head), make([]byte, size)...), new([]large)),
		"too much memory")
	require.NoError(t, codec.MsgPack.Unmarshal(append([]byte{0xdc, 1, 0}, bytes.Repeat([]byte{0x80}, 256)...), new([]large)))
}

func TestDepth(t *testing.T) {
	t.Parallel()
	deep := func(levels int) []byte { return append(bytes.Repeat([]byte{0x91}, levels-1), 0x90) }
	var x any
	require.NoError(t, codec.MsgPack.Unmarshal(deep(64), &x))
	require.ErrorContains(t, codec.MsgPack.Unmarshal(deep(65), &x), "nested deeper than 64 levels")
	_, err := codec.ToJSON(deep(64))
	require.NoError(t, err)
	_, err = codec.ToJSON(deep(65))
	require.ErrorContains(t, err, "nested deeper than 64 levels")
}

func TestManyFields(t *testing.T) {
	t.Parallel()
	var v, back manyFields
	v.F70 = 7
	data, err := codec.MsgPack.Append(nil, &v)
	require.NoError(t, err)
	require.NoError(t, codec.MsgPack.Unmarshal(data, &back))
	require.Equal(t, v, back)
	require.EqualError(t, codec.MsgPack.Unmarshal(pack("82 'F70' 01 'F70' 01"), &back), "F70: there twice")
}

// TestBytesAreAsOfTheLibrary encodes bytes, which is done by hand, at the lengths where their form changes.
func TestBytesAreAsOfTheLibrary(t *testing.T) {
	t.Parallel()
	for _, sent := range [][]byte{nil, {}, {1}, make([]byte, 255), make([]byte, 256), make([]byte, 65535), make([]byte, 65536)} {
		want, err := msgpack.Marshal(sent)
		require.NoError(t, err)
		data, err := codec.MsgPack.Append([]byte("before"), sent)
		require.NoError(t, err)
		require.Equal(t, append([]byte("before"), want...), data)
		arrived := []byte("old")
		require.NoError(t, codec.MsgPack.Unmarshal(want, &arrived))
		require.Equal(t, sent, arrived)
		for _, wrong := range [][]byte{append(want, 0), want[:len(want)-1]} {
			arrived = []byte("old")
			require.Error(t, codec.MsgPack.Unmarshal(wrong, &arrived))
			require.Nil(t, arrived)
		}
	}
}
