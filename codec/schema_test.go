package codec_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
)

type page[T any] struct {
	Items []T `json:"items" jsonschema:"in the order in which they came"`
	More  any `json:"more,omitempty" jsonschema:"where the next page begins"`
}

const inBytes = `{"type":"string","contentEncoding":"base64"}`

func TestSchemaOfATypeIsReadable(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		of         any
		want, defs string
	}{
		"nothing": {troupe.None(nil), `{"type":"null"}`, `{}`},
		"a time":  {time.Time{}, `{"type":"string","format":"date-time"}`, `{}`},
		"an ID":   {troupe.ID{}, `{"type":"string"}`, `{}`},
		"a map":   {map[int]bool{}, `{"type":"object","additionalProperties":{"type":"boolean"},"propertyNames":{"pattern":"^-?[0-9]+$"}}`, `{}`},
		"an array of bytes": {[2]byte{},
			`{"type":"array","items":{"type":"integer","minimum":0,"maximum":255},"minItems":2,"maxItems":2,"x-msgpack":` + inBytes + `}`, `{}`},
		"JSON":                {json.RawMessage{}, `{"x-msgpack":` + inBytes + `}`, `{}`},
		"bytes and text":      {netip.Addr{}, `{"type":"string","x-msgpack":` + inBytes + `}`, `{}`},
		"text, in JSON more":  {big.Int{}, `{"x-msgpack":{"type":"string"}}`, `{}`},
		"a list of addresses": {[]netip.Addr{}, `{"type":"array","items":{"type":"string","x-msgpack":` + inBytes + `}}`, `{}`},
		"numbers as texts": {struct {
			A *int    `json:",string" jsonschema:"how many"`
			B []int   `json:",string"` //nolint:staticcheck // it means nothing to JSON
			C float64 `json:",string"`
		}{}, `{"type":"object","properties":{"A":{"anyOf":[{"type":"string"},{"type":"null"}],` +
			`"x-msgpack":{"anyOf":[{"type":"integer","format":"int64"},{"type":"null"}]},"description":"how many"},` +
			`"B":{"type":"array","items":{"type":"integer","format":"int64"}},"C":{"type":"string","x-msgpack":{"type":"number"}}},` +
			`"required":["A","B","C"]}`, `{}`},
		"a struct": {gift{}, `{"$ref":"#/$defs/gift"}`,
			`{"gift":{"type":"object","properties":{"note":{"type":"string"}},"required":["note"]}}`},
		"a struct that holds itself": {node{}, `{"$ref":"#/$defs/node"}`, `{"node":{"type":"object","properties":{"name":{"type":"string"},` +
			`"next":{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]},"kids":{"type":"array","items":{"$ref":"#/$defs/node"}},` +
			`"by":{"type":"object","additionalProperties":{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]}}},"required":["name"]}}`},
		"a generic struct": {page[gift]{}, `{"$ref":"#/$defs/page_gift"}`, `{"page_gift":{"type":"object","properties":{` +
			`"items":{"type":"array","items":{"$ref":"#/$defs/gift"},"description":"in the order in which they came"},` +
			`"more":{"description":"where the next page begins"}},"required":["items"]},` +
			`"gift":{"type":"object","properties":{"note":{"type":"string"}},"required":["note"]}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s codec.Schemas
			schema, err := s.Of(reflect.TypeOf(test.of))
			require.NoError(t, err)
			require.Equal(t, test.want, string(schema))
			require.Equal(t, test.defs, string(s.Defs()))
		})
	}
}

// TestTypesOfOneNameHaveTwoSchemas has two types that have nothing but their name in common.
func TestTypesOfOneNameHaveTwoSchemas(t *testing.T) {
	t.Parallel()
	var s codec.Schemas
	outer, err := s.Of(reflect.TypeFor[gift]())
	require.NoError(t, err)
	type gift struct{ Price int }
	inner, err := s.Of(reflect.TypeFor[gift]())
	require.NoError(t, err)
	require.JSONEq(t, `{"$ref":"#/$defs/gift"}`, string(outer))
	require.JSONEq(t, `{"$ref":"#/$defs/gift2"}`, string(inner))
	again, err := s.Of(reflect.TypeFor[gift]())
	require.NoError(t, err)
	require.Equal(t, inner, again)
	require.Contains(t, string(s.Defs()), `"gift2":{"type":"object","properties":{"Price"`)
}

func TestSchemaOfWhatHasNone(t *testing.T) {
	t.Parallel()
	for _, typ := range []reflect.Type{reflect.TypeFor[chan int](), reflect.TypeFor[custom](), reflect.TypeFor[[]error]()} {
		_, err := new(codec.Schemas).Of(typ)
		require.Error(t, err)
	}
}

func resolved(t require.TestingT, typ reflect.Type) *jsonschema.Resolved {
	var s codec.Schemas
	root, err := s.Of(typ)
	require.NoError(t, err)
	schema := &jsonschema.Schema{}
	require.NoError(t, json.Unmarshal(fmt.Appendf(nil, `{"allOf":[%s],"$defs":%s}`, root, s.Defs()), schema))
	validator, err := schema.Resolve(nil)
	require.NoError(t, err, "%s: %s", typ, root)
	return validator
}

// replaced calls f with the JSON of what each part of a value is replaced by.
func replaced(value, by any, f func(any)) {
	f(by)
	switch value := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			replaced(value[key], by, func(inner any) {
				changed := maps.Clone(value)
				changed[key] = inner
				f(changed)
			})
		}
	case []any:
		for i := range value {
			replaced(value[i], by, func(inner any) {
				changed := slices.Clone(value)
				changed[i] = inner
				f(changed)
			})
		}
	}
}

// TestSchemasSayWhatDecodes generates types and values: what is encoded fits the schema, and a value of a wrong kind, anywhere in
// it, is refused by both or by none.
func TestSchemasSayWhatDecodes(t *testing.T) {
	t.Parallel()
	checked, refused := 0, 0
	for seed := range uint64(1500) {
		g := generator{rand.New(rand.NewPCG(seed, 1))}
		typ := g.typ(3)
		if typ == reflect.TypeFor[*struct{}]() {
			continue // it stands for nothing
		}
		v := reflect.New(typ)
		g.fill(v.Elem())
		asJSON, err := codec.JSON.Append(nil, codec.Filled(v.Interface()))
		if err != nil || len(asJSON) == 0 {
			continue
		}
		schema := resolved(t, typ)
		var value any
		require.NoError(t, json.Unmarshal(asJSON, &value))
		require.NoError(t, schema.Validate(value), "%s: %s", typ, asJSON)
		checked++
		for _, by := range []any{true, -1.5, "?", []any{true}} {
			replaced(value, by, func(changed any) {
				data, err := json.Marshal(changed)
				require.NoError(t, err)
				fits, takes := schema.Validate(changed), codec.JSON.Unmarshal(data, reflect.New(typ).Interface())
				if _, isList := by.([]any); takes == nil && !isList { // encoding/json takes more of those
					require.NoError(t, fits, "%s takes %s", typ, data)
				}
				if _, isText := by.(string); takes != nil && !isText && !encodesItself(typ) {
					require.Error(t, fits, "%s does not take %s: %v", typ, data, takes)
					refused++
				}
			})
		}
	}
	require.Greater(t, checked, 500)
	require.Greater(t, refused, 1000)
}

// encodesItself reports whether a type, or one in it, has methods for JSON, of which no schema can know what they take.
func encodesItself(t reflect.Type) bool {
	if t.Implements(reflect.TypeFor[json.Marshaler]()) || reflect.PointerTo(t).Implements(reflect.TypeFor[json.Marshaler]()) {
		return t != reflect.TypeFor[time.Time]()
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return encodesItself(t.Elem())
	case reflect.Struct:
		for f := range t.Fields() {
			if f.IsExported() && encodesItself(f.Type) {
				return true
			}
		}
	}
	return false
}
