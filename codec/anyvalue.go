package codec

import (
	"math"
	"reflect"
)

// The memory that values in an any take: an element of a []any with its boxed value, and an entry of a map[string]any.
const (
	anyElementCost = 24
	anyEntryCost   = 40
)

func decodeAny(r *reader, v reflect.Value) error {
	x, err := r.any()
	if err == nil && x != nil {
		v.Set(reflect.ValueOf(x))
	}
	return err
}

func decodeAnyMap(r *reader, v reflect.Value) error {
	t, err := r.next()
	switch {
	case err != nil || t.kind == kindNil:
		return err
	case t.kind != kindMap:
		return wrongKind("a map", t)
	}
	m, err := r.anyMap(int(t.bits))
	if err == nil {
		v.Set(reflect.ValueOf(m))
	}
	return err
}

// any decodes a value of any type.
func (r *reader) any() (any, error) {
	t, err := r.next()
	if err != nil {
		return nil, err
	}
	switch t.kind {
	case kindBool:
		return t.bits == 1, nil
	case kindInt:
		return int64(t.bits), nil
	case kindUint:
		if t.bits > math.MaxInt64 {
			return t.bits, nil
		}
		return int64(t.bits), nil
	case kindFloat32, kindFloat64:
		return math.Float64frombits(t.bits), nil
	case kindString:
		return string(t.body), checkUTF8(t.body)
	case kindBytes:
		return clone(t.body), nil
	case kindArray:
		return r.anySlice(int(t.bits))
	case kindMap:
		return r.anyMap(int(t.bits))
	case kindExt:
		if t.ext != timestampExt {
			return nil, faultf("unknown extension type %d", t.ext)
		}
		return t.time()
	}
	return nil, nil
}

func (r *reader) anySlice(count int) ([]any, error) {
	if err := r.take(count+1, anyElementCost); err != nil {
		return nil, err
	}
	if err := r.enter(); err != nil {
		return nil, err
	}
	s := make([]any, count)
	for i := range s {
		var err error
		if s[i], err = r.any(); err != nil {
			return nil, withinIndex(i, err)
		}
	}
	r.depth--
	return s, nil
}

func (r *reader) anyMap(count int) (map[string]any, error) {
	if err := r.take(count+1, anyEntryCost); err != nil {
		return nil, err
	}
	if err := r.enter(); err != nil {
		return nil, err
	}
	m := make(map[string]any, count)
	for i := range count {
		key, err := r.next()
		if err != nil {
			return nil, err
		}
		if key.kind != kindString {
			return nil, wrongKind("a string as the key of a map", key)
		}
		if err := checkUTF8(key.body); err != nil {
			return nil, err
		}
		x, err := r.any()
		if err != nil {
			return nil, within(unknownStep(key.body), err)
		}
		m[string(key.body)] = x
		if len(m) == i {
			return nil, within(unknownStep(key.body), faultf("there twice"))
		}
	}
	r.depth--
	return m, nil
}
