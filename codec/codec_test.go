package codec_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"

	"github.com/troupe-go/troupe/codec"
)

func TestForContentType(t *testing.T) {
	t.Parallel()
	for contentType, want := range map[string]codec.Codec{
		"":                                codec.MsgPack,
		"application/msgpack":             codec.MsgPack,
		"Application/MsgPack":             codec.MsgPack,
		"application/json":                codec.JSON,
		"application/JSON; charset=utf-8": codec.JSON,
		" application/json ;x":            codec.JSON,
	} {
		got, err := codec.ForContentType(contentType)
		require.NoError(t, err, contentType)
		require.Equal(t, want, got, contentType)
	}
	for _, contentType := range []string{"text/plain", "application", ";", "json", "application/json+x"} {
		_, err := codec.ForContentType(contentType)
		require.ErrorIs(t, err, codec.ErrContentType, contentType)
	}
}

func TestNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []codec.Codec{codec.MsgPack, codec.JSON} {
		for _, none := range []*struct{}{nil, {}} {
			out, err := c.Append([]byte("before"), none)
			require.NoError(t, err)
			require.Equal(t, "before", string(out))
		}
		null, err := c.Append(nil, nil)
		require.NoError(t, err)
		for _, data := range [][]byte{nil, {}, null} {
			into := new(struct{})
			require.NoError(t, c.Unmarshal(data, &into))
			require.Nil(t, into)
		}
		one, err := c.Append(nil, 1)
		require.NoError(t, err)
		empty, err := c.Append(nil, struct{}{})
		require.NoError(t, err)
		for _, data := range [][]byte{one, empty} {
			var into *struct{}
			require.ErrorContains(t, c.Unmarshal(data, &into), "expected nothing, got ")
		}
	}
	var into *struct{}
	require.ErrorContains(t, codec.MsgPack.Unmarshal([]byte{0xc1}, &into), "reserved code")
	require.ErrorContains(t, codec.MsgPack.Unmarshal([]byte{0xc0, 0xc0}, &into), "after the value")
}

func TestEmptyAndNil(t *testing.T) {
	t.Parallel()
	for _, c := range []codec.Codec{codec.MsgPack, codec.JSON} {
		null, err := c.Append(nil, nil)
		require.NoError(t, err)
		for _, into := range []any{
			new(string), new(int), new(order), new(bool), new(time.Time), new([2]int), new(float64), new(uint8), new(text),
		} {
			require.EqualError(t, c.Unmarshal(nil, into), "empty body, expected a value")
			require.ErrorContains(t, c.Unmarshal(null, into), "expected "+typeName(into)+", got n")
		}
		for _, into := range []any{new(any), new([]int), new(map[string]int), new(*order), new([]byte)} {
			require.EqualError(t, c.Unmarshal(nil, into), "empty body, expected a value")
			require.NoError(t, c.Unmarshal(null, into))
		}
		o := order{}
		inner, err := c.Append(nil, map[string]any{"id": nil, "items": []any{nil}, "gift": nil, "at": nil, "Labels": nil, "extra": nil})
		require.NoError(t, err)
		require.NoError(t, c.Unmarshal(inner, &o))
		require.Equal(t, order{Items: []item{{}}}, o)
	}
}

func TestTargetIsReplaced(t *testing.T) {
	t.Parallel()
	for _, c := range []codec.Codec{codec.MsgPack, codec.JSON} {
		data, err := c.Append(nil, map[string]any{"id": "1", "items": []any{map[string]any{"name": "x"}}})
		require.NoError(t, err)
		aliased := []byte("abc")
		o := order{
			Items: []item{{Quantity: 1, Raw: aliased}}, Gift: &gift{}, Labels: map[string]string{"a": "b"},
			Extra: new(uint64), hidden: "kept",
		}
		require.NoError(t, c.Unmarshal(data, &o))
		require.Equal(t, order{ID: "1", Items: []item{{Name: "x"}}, hidden: "kept"}, o)
		require.Equal(t, "abc", string(aliased))

		require.Error(t, c.Unmarshal([]byte(`{"id":"2"`), &o))
		require.Equal(t, order{hidden: "kept"}, o)
	}
}

func TestAny(t *testing.T) {
	t.Parallel()
	value := map[string]any{
		"small": 1, "byte": 200, "negative": -5, "max": int64(math.MaxInt64), "min": int64(math.MinInt64),
		"beyond": uint64(math.MaxUint64), "half": 0.5, "list": []any{int8(7), uint16(300), nil, true, "text"},
		"inner": map[string]int{"x": 65536}, "empty": map[string]any{},
	}
	want := map[string]any{
		"small": int64(1), "byte": int64(200), "negative": int64(-5), "max": int64(math.MaxInt64),
		"min": int64(math.MinInt64), "beyond": uint64(math.MaxUint64), "half": 0.5,
		"list":  []any{int64(7), int64(300), nil, true, "text"},
		"inner": map[string]any{"x": int64(65536)}, "empty": map[string]any{},
	}
	for _, c := range []codec.Codec{codec.MsgPack, codec.JSON} {
		data, err := c.Append(nil, value)
		require.NoError(t, err)
		var x any
		require.NoError(t, c.Unmarshal(data, &x))
		require.Equal(t, want, x)
		var m map[string]any
		require.NoError(t, c.Unmarshal(data, &m))
		require.Equal(t, want, m)

		wrapped, err := c.Append(nil, []any{value})
		require.NoError(t, err)
		var maps []map[string]any
		require.NoError(t, c.Unmarshal(wrapped, &maps))
		require.Equal(t, []map[string]any{want}, maps)
	}
	at := time.Date(2024, 2, 3, 4, 5, 6, 7, time.UTC)
	data, err := codec.MsgPack.Append(nil, []any{at, []byte("bytes")})
	require.NoError(t, err)
	var x any
	require.NoError(t, codec.MsgPack.Unmarshal(data, &x))
	require.Equal(t, []any{at, []byte("bytes")}, x)
}

func TestUnsupportedTypes(t *testing.T) {
	t.Parallel()
	type inner struct{ Name string }
	type Own struct{ *Own }
	type Named struct{ Name string }
	type unexported string
	type pointer *pointer
	for want, v := range map[string]any{
		"C: a chan cannot be encoded":       struct{ C chan int }{},
		"a func cannot be encoded":          func() {},
		"F: a func cannot be encoded":       map[string]struct{ F func() }{},
		"P: a uintptr cannot be encoded":    struct{ P uintptr }{},
		"Z: a complex128 cannot be encoded": struct{ Z complex128 }{},
		"two fields named a": struct {
			A int `json:"a"`
			B int `msgpack:"a"`
		}{},
		"two fields named Name": struct {
			Named
			Name string
		}{},
		"embeds itself": Own{},
		"embedded inner: a pointer to an unexported struct":      struct{ *inner }{},
		"its embedded unexported is unexported and not a struct": struct{ unexported }{},
		"tag it `json:\"base,noinline\"`": struct {
			Named `json:"base"`
		}{},
		"option as_array of its tag is not supported": struct {
			_msgpack struct{} `msgpack:",as_array"`
		}{},
		"the name in its tag has a character": struct {
			A int `json:"a:b"`
		}{},
		"A: its tag names it -, which msgpack leaves out": struct {
			A int `json:"-,"` //nolint:staticcheck // it is refused, which the test is about
		}{},
		"the keys of a map must have one type":   map[any]any{},
		"a struct {} cannot be the key of a map": map[struct{}]int{},
		"it is a pointer to itself":              struct{ P pointer }{},
	} {
		for _, c := range []codec.Codec{codec.MsgPack, codec.JSON} {
			out, err := c.Append([]byte("x"), v)
			require.ErrorContains(t, err, want)
			require.Equal(t, "x", string(out))
		}
	}
	for _, c := range []codec.Codec{codec.MsgPack, codec.JSON} {
		require.ErrorContains(t, c.Unmarshal([]byte{0x80}, new(chan int)), "a chan cannot be encoded")
		for _, into := range []any{nil, 1, "x", order{}, (*order)(nil), (**struct{})(nil)} {
			require.ErrorContains(t, c.Unmarshal([]byte{0x80}, into), "a non-nil pointer is needed")
		}
		out, err := c.Append([]byte("x"), []any{make(chan int)})
		require.Error(t, err)
		require.Equal(t, "x", string(out))
	}
}

func TestAppendChecksWhatMightNotDecode(t *testing.T) {
	t.Parallel()
	loop := &node{Name: "a"}
	loop.Next = &node{By: map[string]*node{"x": {Kids: []node{{Next: loop}}}}}
	list := []any{nil}
	list[0] = map[string]any{"x": list}
	var self any
	self = &self
	deep := any(1)
	for range 65 {
		deep = []any{deep}
	}
	for _, v := range []any{loop, *loop, list, self, deep, map[string]any{"x": loop}} {
		out, err := codec.MsgPack.Append([]byte("x"), v)
		require.ErrorContains(t, err, "nested deeper than 64 levels")
		require.Equal(t, "x", string(out))
	}
	out, err := codec.MsgPack.Append(nil, deep.([]any)[0])
	require.NoError(t, err)
	require.NoError(t, codec.MsgPack.Unmarshal(out, new(any)))

	_, err = codec.MsgPack.Append(nil, any(map[string]any{"a": map[int]any{1: 2}}))
	require.EqualError(t, err, `it could not be decoded again: ["a"]: expected a string as the key of a map, got an integer`)
	_, err = codec.MsgPack.Append(nil, map[float64]int{math.NaN(): 1})
	require.ErrorContains(t, err, "NaN")

	for _, v := range []any{&custom{1, 2}, []*custom{{1, 2}}, []any{&custom{}}, msgpack.RawMessage{0xc1}, &msgpack.RawMessage{0xc1}} {
		out, err := codec.MsgPack.Append([]byte("x"), v)
		require.ErrorContains(t, err, "a type encoded itself wrongly: invalid msgpack at byte ")
		require.Equal(t, "x", string(out))
	}
}
