package codec

import (
	"reflect"
	"slices"
	"sync"
)

// shape says what there may be in values of a type, at any depth, for those who walk over values: see Filled and Settle.
type shape struct {
	lists       bool // slices or maps
	loose       bool // what decoding changes: an any, a time.Time
	own         bool // its methods encode it
	listFields  []int
	looseFields []int
}

var shapes sync.Map // of reflect.Type and *shape

func shapeOf(t reflect.Type) *shape {
	if known, ok := shapes.Load(t); ok {
		return known.(*shape)
	}
	s := &shape{lists: holds(t, isList, nil), loose: holds(t, isLoose, nil), own: !isPlain(t)}
	if t.Kind() == reflect.Struct && t != timeType {
		for i := range t.NumField() {
			f := t.Field(i)
			name, options, _ := parseTag(f)
			if name == "-" || !f.IsExported() && !f.Anonymous {
				continue
			}
			omitted := (f.Type.Kind() == reflect.Slice || f.Type.Kind() == reflect.Map) &&
				(slices.Contains(options, "omitempty") || slices.Contains(options, "omitzero"))
			if !omitted && holds(f.Type, isList, nil) {
				s.listFields = append(s.listFields, i)
			}
			if holds(f.Type, isLoose, nil) {
				s.looseFields = append(s.looseFields, i)
			}
		}
	}
	shapes.Store(t, s)
	return s
}

func isList(t reflect.Type) bool {
	return t.Kind() == reflect.Slice || t.Kind() == reflect.Map || t.Kind() == reflect.Interface
}

func isLoose(t reflect.Type) bool { return t == timeType || t.Kind() == reflect.Interface }

// holds reports whether a type, or one within it, is as asked. What a type's own methods encode is not looked into.
func holds(t reflect.Type, is func(reflect.Type) bool, within []reflect.Type) bool {
	switch {
	case t == timeType:
		return is(t)
	case slices.Contains(within, t) || encodesItself(t):
		return false
	case is(t):
		return true
	}
	within = append(within, t)
	switch t.Kind() {
	case reflect.Pointer, reflect.Array, reflect.Slice, reflect.Map:
		return holds(t.Elem(), is, within)
	case reflect.Struct:
		for field := range t.Fields() {
			if holds(field.Type, is, within) {
				return true
			}
		}
	}
	return false
}

func encodesItself(t reflect.Type) bool {
	return !isPlain(t) || reflect.PointerTo(t).Implements(jsonMarshaler)
}
