package codec_test

import (
	"bytes"
	"encoding"
	"encoding/json"
	"math"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"reflect"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
)

// leafTypes are what generated types are made of: good ones, and ones that must be refused.
var leafTypes = []reflect.Type{
	reflect.TypeFor[bool](), reflect.TypeFor[int](), reflect.TypeFor[int8](), reflect.TypeFor[uint64](), reflect.TypeFor[float32](),
	reflect.TypeFor[float64](), reflect.TypeFor[string](), reflect.TypeFor[[]byte](), reflect.TypeFor[[3]byte](), reflect.TypeFor[any](),
	reflect.TypeFor[time.Time](), reflect.TypeFor[time.Duration](), reflect.TypeFor[troupe.ID](), reflect.TypeFor[troupe.Position](),
	reflect.TypeFor[troupe.Gap](), reflect.TypeFor[netip.Addr](), reflect.TypeFor[url.URL](), reflect.TypeFor[big.Int](),
	reflect.TypeFor[text](), reflect.TypeFor[binary](), reflect.TypeFor[json.RawMessage](), reflect.TypeFor[struct{}](),
	reflect.TypeFor[error](), reflect.TypeFor[bytes.Buffer](), reflect.TypeFor[atomic.Int64](), reflect.TypeFor[chan int](),
}

type generator struct{ *rand.Rand }

func (g generator) typ(depth int) reflect.Type {
	if depth == 0 || g.IntN(3) == 0 {
		if g.IntN(10) > 0 { // seldom one of those that are refused
			return leafTypes[g.IntN(len(leafTypes)-4)]
		}
		return leafTypes[g.IntN(len(leafTypes))]
	}
	switch g.IntN(5) {
	case 0:
		return reflect.SliceOf(g.typ(depth - 1))
	case 1:
		key := g.typ(0)
		for !key.Comparable() || key.Kind() == reflect.Interface {
			key = g.typ(0)
		}
		return reflect.MapOf(key, g.typ(depth-1))
	case 2:
		return reflect.PointerTo(g.typ(depth - 1))
	case 3:
		return reflect.ArrayOf(g.IntN(3), g.typ(depth-1))
	}
	fields := make([]reflect.StructField, g.IntN(5))
	for i := range fields {
		fields[i] = reflect.StructField{Name: "F" + strconv.Itoa(i), Type: g.typ(depth - 1)}
		switch g.IntN(4) {
		case 0:
			fields[i].Tag = `json:",omitempty"`
		case 1:
			fields[i].Tag = reflect.StructTag(`json:"f` + strconv.Itoa(i) + `"`)
		}
	}
	return reflect.StructOf(fields)
}

var (
	someTexts  = []string{"", "a", "é", "\x00", "a.b c", "\uFFFD", `\ufffd`, "\U0001F600", "\xff", "\xed\xa0\x80", "<&>\u2028"}
	someFloats = []float64{0, -1, 0.1, 1e300, math.NaN(), math.Inf(1), math.MaxFloat32, 1 << 53, math.Copysign(0, -1)}
	someTimes  = []time.Time{{}, time.Now(), time.Unix(1, 2).In(time.FixedZone("x", 3600)), time.Date(9999, 12, 31, 23, 0, 0, 0, time.UTC), time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)}
	someIDs    = []string{"room", "room.a", "room.=.=C3=A9"}
	someAnys   = []any{nil, 1, int64(-1), uint64(math.MaxUint64), "text", "\xff", []byte("b"), 0.5, float32(0.5), math.NaN(), true, []string{"a"},
		[]any{1, "a", nil}, map[string]any{"a": 1}, map[int]any{1: 1}, map[string]int{"b": 2}, time.Now(), troupe.NewError("a", "b"), func() {},
		struct{ A int }{1}, json.Number("5"), json.RawMessage("{}"), troupe.Position{Epoch: 1}, (*int)(nil)}
)

func pick[T any](g generator, from []T) T { return from[g.IntN(len(from))] }

// fill sets v to any value of its type.
func (g generator) fill(v reflect.Value) {
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		*x = pick(g, someTimes)
		return
	case *troupe.ID:
		*x, _ = troupe.ParseID(pick(g, someIDs))
		return
	case *troupe.Position:
		*x = troupe.Position{Epoch: g.Uint64N(3), Sequence: g.Uint64()}
		return
	case *troupe.Gap:
		x.Event = "said"
		g.fill(reflect.ValueOf(&x.Actor).Elem())
		g.fill(reflect.ValueOf(&x.After).Elem())
		return
	case *netip.Addr:
		*x = netip.AddrFrom4([4]byte{1, 2, 3, byte(g.IntN(256))})
		return
	case *url.URL:
		*x = url.URL{Scheme: "https", Host: "example.org", Path: "/" + strconv.Itoa(g.IntN(9))}
		return
	case *big.Int:
		x.SetInt64(g.Int64())
		return
	case *text:
		x.value = pick(g, []string{"", "a", "bad", "panic"})
		return
	case *binary:
		x.value = byte(g.IntN(256))
		return
	case *json.RawMessage:
		*x = json.RawMessage(pick(g, []string{"null", "{}", `"a"`, "broken"}))
		return
	case *any:
		*x = pick(g, someAnys)
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(g.IntN(2) == 0)
	case reflect.Int, reflect.Int8, reflect.Int64:
		v.SetInt(int64(g.Uint64()) >> g.IntN(64))
		if v.Kind() == reflect.Int8 {
			v.SetInt(int64(int8(g.Uint64())))
		}
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(g.Uint64() >> (56 + g.IntN(8)))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(pick(g, someFloats))
	case reflect.String:
		v.SetString(pick(g, someTexts))
	case reflect.Pointer:
		if g.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			g.fill(v.Elem())
		}
	case reflect.Slice:
		if n := g.IntN(4); n > 0 {
			v.Set(reflect.MakeSlice(v.Type(), n-1, n-1))
		}
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			g.fill(v.Index(i))
		}
	case reflect.Map:
		if g.IntN(4) > 0 {
			v.Set(reflect.MakeMap(v.Type()))
			for range g.IntN(4) {
				key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
				g.fill(key)
				g.fill(elem)
				v.SetMapIndex(key, elem)
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				g.fill(v.Field(i))
			}
		}
	}
}

// holdsAny reports whether a type has an any or raw JSON, of which JSON cannot say what is in it.
func holdsAny(t reflect.Type) bool {
	return holds(t, func(t reflect.Type) bool {
		return t.Kind() == reflect.Interface || t == reflect.TypeFor[json.RawMessage]()
	})
}

// holdsText reports whether a type has a form as text in msgpack, which is bytes to the library, or may hold one that has.
func holdsText(t reflect.Type) bool {
	return holds(t, func(t reflect.Type) bool {
		p := reflect.PointerTo(t)
		return t.Kind() == reflect.Interface ||
			p.Implements(reflect.TypeFor[encoding.TextMarshaler]()) && !p.Implements(reflect.TypeFor[encoding.BinaryMarshaler]())
	})
}

func holds(t reflect.Type, what func(reflect.Type) bool) bool {
	if what(t) {
		return true
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return holds(t.Elem(), what)
	case reflect.Map:
		return holds(t.Key(), what) || holds(t.Elem(), what)
	case reflect.Struct:
		for f := range t.Fields() {
			if f.IsExported() && holds(f.Type, what) {
				return true
			}
		}
	}
	return false
}

// comesBack checks one value of one type: whatever is encoded comes back, or it is refused.
func comesBack(t *testing.T, seed uint64) (checked bool) {
	t.Helper()
	g := generator{rand.New(rand.NewPCG(seed, 0))}
	typ := g.typ(3)
	if typ == reflect.TypeFor[struct{}]() || typ == reflect.TypeFor[*struct{}]() {
		return false // they stand for nothing
	}
	v := reflect.New(typ)
	g.fill(v.Elem())
	value := v.Interface()
	encoded, err := codec.MsgPack.Append(nil, value)
	if refused := codec.Check(typ); refused != nil {
		require.Error(t, err, typ)
		return false
	}
	if err != nil {
		return false // what only the value tells
	}
	if library, err := appendByLibrary(value); err == nil && !holdsText(typ) {
		require.True(t, codec.Equal(encoded, library), "%s: %x, but the library writes %x", typ, encoded, library)
	}
	again, err := codec.MsgPack.Append(nil, value)
	require.NoError(t, err, typ)
	require.Equal(t, encoded, again, "%s: it is encoded in two ways", typ)
	if err := codec.Settle(value); err != nil {
		require.True(t, holdsAny(typ), "%s: %v", typ, err)
		return false // a state refuses it
	}
	settled, err := codec.MsgPack.Append(nil, value)
	require.NoError(t, err, typ)
	require.True(t, holdsAny(typ) || codec.Equal(encoded, settled), "%s: settling has changed what is stored", typ)
	decoded := reflect.New(typ)
	require.NoError(t, codec.MsgPack.Unmarshal(encoded, decoded.Interface()), typ)
	require.NoError(t, codec.Difference(value, decoded.Interface()), "%s: %x", typ, encoded)
	again, err = codec.MsgPack.Append(nil, decoded.Interface())
	require.NoError(t, err, typ)
	require.Equal(t, settled, again, "%s: its copy is encoded in another way", typ)

	filled, err := codec.MsgPack.Append(nil, codec.Filled(value))
	require.NoError(t, err, typ)
	onWire := reflect.New(typ)
	require.NoError(t, codec.MsgPack.Unmarshal(filled, onWire.Interface()), typ)
	require.NoError(t, codec.Difference(value, onWire.Interface()), typ)

	asJSON, err := codec.JSON.Append(nil, codec.Filled(value))
	if err != nil {
		return true // as for NaN
	}
	fromJSON := reflect.New(typ)
	require.NoError(t, codec.JSON.Unmarshal(asJSON, fromJSON.Interface()), "%s: %s", typ, asJSON)
	if !holdsAny(typ) {
		require.NoError(t, codec.Difference(value, fromJSON.Interface()), "%s: %s", typ, asJSON)
	}
	return true
}

// TestWhateverIsEncodedComesBack generates types and values. Awake, asleep, over JSON and over msgpack they are the same, or
// they are refused when they are written.
func TestWhateverIsEncodedComesBack(t *testing.T) {
	t.Parallel()
	checked := 0
	const most = 3000 // reflect keeps each type for ever
	for seed := range uint64(most) {
		if comesBack(t, seed) {
			checked++
		}
	}
	require.Greater(t, checked, most/4)
}

func FuzzWhateverIsEncodedComesBack(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) { comesBack(t, seed) })
}
