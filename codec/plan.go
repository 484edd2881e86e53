package codec

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"sync/atomic"
	"time"
)

// decodeFunc decodes the next value into v, which is settable and zero. A nil leaves it zero.
type decodeFunc func(r *reader, v reflect.Value) error

// plan says how to encode and decode a type. It is made once per type.
type plan struct {
	encode encodeFunc
	decode decodeFunc
	fields []field // of a struct without methods that decode it
	traits
	err error // why the type has no encoding; then nothing else is set
}

// traits describe what a type is or can hold, at any depth.
type traits struct {
	mends   bool    // an any or a time.Time, which encoding/json decodes differently: see mend
	nests   bool    // an interface or itself, so its depth is unknown: see checkNesting
	foreign bool    // a type with methods for its encoding, an any, or a key that may be no number: see checkAgain
	texts   bool    // a string, not each of which can be decoded: see checkJSONAgain
	sparse  bool    // a struct that takes less in its encoding than a byte a field: see checkAgain
	apart   int     // how many fields are kept apart: see Apart
	omits   bool    // what comes back as nothing though it is something: see checkOmitted
	noJSON  error   // a type without a form in JSON, and where
	widest  uintptr // the largest element of a slice, map or pointer, in bytes: see checkJSON
}

// plans holds all plans. Adding one replaces the map, because it is read twice a call and hardly ever grows.
var plans atomic.Pointer[map[reflect.Type]*plan]

func planOf(t reflect.Type) *plan {
	if known := plans.Load(); known != nil {
		if p, ok := (*known)[t]; ok {
			return p
		}
	}
	c := compiler{known: make(map[reflect.Type]*plan)}
	p, err := c.compile(t)
	if err != nil {
		p = &plan{err: fmt.Errorf("type %s has no encoding: %w", t, err)}
	} else {
		p.traits = c.traits
	}
	for {
		old, grown := plans.Load(), map[reflect.Type]*plan{t: p}
		if old != nil {
			maps.Copy(grown, *old)
		}
		if plans.CompareAndSwap(old, &grown) {
			return grown[t]
		}
	}
}

// clear sets to zero everything that decoding may set.
func (p *plan) clear(v reflect.Value) {
	if p.fields == nil {
		v.SetZero()
		return
	}
	for i := range p.fields {
		p.fields[i].clear(v)
	}
}

var (
	anyType    = reflect.TypeFor[any]()
	timeType   = reflect.TypeFor[time.Time]()
	anyMapType = reflect.TypeFor[map[string]any]()
)

// compiler makes the plan of a type and of all that it holds.
type compiler struct {
	known map[reflect.Type]*plan // including unfinished ones: types may be recursive
	traits
}

func (c *compiler) compile(t reflect.Type) (*plan, error) {
	if p, ok := c.known[t]; ok {
		c.nests = c.nests || p.decode == nil
		return p, nil
	}
	p := new(plan)
	c.known[t] = p
	decode, err := c.decoder(t, p)
	if err != nil {
		return nil, err
	}
	p.encode, p.decode = c.encoder(t, p), decode
	return p, nil
}

// decoder returns the function that decodes a type. The function of a plan may be missing until the whole type is
// compiled, so containers hold on to the plans of their elements, not to their functions.
func (c *compiler) decoder(t reflect.Type, p *plan) (decodeFunc, error) {
	if t == timeType {
		c.mends = true
		return decodeTime, nil
	}
	noJSON, err := checkMethods(t)
	if err != nil {
		return nil, err
	}
	if c.noJSON == nil {
		c.noJSON = noJSON
	}
	if decode := customDecoder(t); decode != nil {
		c.foreign = true
		return decode, nil
	}
	switch t.Kind() {
	case reflect.Bool:
		return decodeBool, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return decodeInt, nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return decodeUint, nil
	case reflect.Float32, reflect.Float64:
		return decodeFloat, nil
	case reflect.String:
		c.texts = true
		return decodeString, nil
	case reflect.Interface:
		if t.NumMethod() > 0 {
			return nil, faultf("%s is an interface with methods: nothing can be decoded into it", t)
		}
		c.nests, c.foreign, c.mends, c.texts = true, true, true, true
		return decodeAny, nil
	case reflect.Struct:
		return c.structDecoder(t, p)
	case reflect.Map:
		return c.mapDecoder(t)
	case reflect.Pointer:
		if pointsToItself(t) {
			return nil, errors.New("it is a pointer to itself")
		}
		c.omits = c.omits || acceptsNil(t.Elem())
		c.widest = max(c.widest, t.Elem().Size())
		elem, err := c.compile(t.Elem())
		return pointerDecoder(t.Elem(), elem), err
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return decodeBytes, nil
		}
		c.widest = max(c.widest, t.Elem().Size())
		elem, err := c.compileElem(t)
		return sliceDecoder(t, elem), err
	case reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return decodeByteArray, nil
		}
		elem, err := c.compileElem(t)
		return arrayDecoder(elem), err
	}
	return nil, faultf("a %s cannot be encoded", t.Kind())
}

// pointsToItself reports whether a pointer leads to nothing but pointers, as in type p *p.
func pointsToItself(t reflect.Type) bool {
	slow := t
	for move := false; t.Kind() == reflect.Pointer; move = !move {
		t = t.Elem()
		if t == slow {
			return true
		}
		if move {
			slow = slow.Elem()
		}
	}
	return false
}

// compileElem compiles the elements of a list or a map.
func (c *compiler) compileElem(t reflect.Type) (*plan, error) {
	elem, err := c.compile(t.Elem())
	if err != nil {
		return nil, within("[]", err)
	}
	return elem, nil
}

func (c *compiler) mapDecoder(t reflect.Type) (decodeFunc, error) {
	switch key := t.Key(); key.Kind() {
	case reflect.Interface:
		return nil, faultf("the keys of a map must have one type")
	case reflect.Float32, reflect.Float64:
		c.foreign = true // NaN is a key that nothing finds
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
	default:
		if customDecoder(key) == nil {
			return nil, faultf("a %s cannot be the key of a map", key)
		}
		if key == timeType {
			return nil, faultf("a time.Time cannot be the key of a map: the same moment has many")
		}
	}
	c.widest = max(c.widest, t.Key().Size()+t.Elem().Size())
	key, err := c.compile(t.Key())
	if err != nil {
		return nil, within("[key]", err)
	}
	elem, err := c.compileElem(t)
	if err != nil {
		return nil, err
	}
	if t == anyMapType {
		return decodeAnyMap, nil
	}
	return mapDecoder(t, key, elem), nil
}
