package codec

import (
	"encoding/json"
	"reflect"
	"slices"
	"sync"
)

// Filled returns v with an empty list for each nil slice that it holds, and an empty map for each nil map. This is how
// values go over the wire: a program in another language finds a list where the type says so, never a null. States
// keep what is nil, because a Go program can tell the difference. v itself is not changed. Fields that are omitted when
// empty, and types that encode themselves, stay as they are.
func Filled(v any) any {
	switch v.(type) {
	case nil, *struct{}, bool, int, int64, float64, string:
		return v // what most calls have
	}
	found := reflect.ValueOf(v)
	p := planOf(found.Type())
	if p.err != nil || p.nests && checkNesting(found, 0, 0) != nil {
		return v // it has no encoding
	}
	if !lacksLists(found) {
		return v
	}
	filled := reflect.New(found.Type()).Elem()
	filled.Set(found)
	fill(filled)
	return filled.Interface()
}

// lister says what to look at in values of a type.
type lister struct {
	holds  bool  // slices or maps, at any depth
	fields []int // of a struct, those that hold some
}

var listers sync.Map // of reflect.Type and *lister

func listerOf(t reflect.Type) *lister {
	if known, ok := listers.Load(t); ok {
		return known.(*lister)
	}
	l := &lister{holds: holdsLists(t, nil)}
	if l.holds && t.Kind() == reflect.Struct {
		for i := range t.NumField() {
			f := t.Field(i)
			if holdsLists(f.Type, nil) && !isSkipped(f) {
				l.fields = append(l.fields, i)
			}
		}
	}
	listers.Store(t, l)
	return l
}

// isSkipped reports whether a field is not encoded, or not encoded when it is nil.
func isSkipped(f reflect.StructField) bool {
	name, options, _ := parseTag(f)
	isList := f.Type.Kind() == reflect.Slice || f.Type.Kind() == reflect.Map
	omits := slices.Contains(options, "omitempty") || slices.Contains(options, "omitzero")
	return name == "-" || !f.IsExported() && !f.Anonymous || isList && omits
}

var jsonMarshaler = reflect.TypeFor[json.Marshaler]()

func holdsLists(t reflect.Type, within []reflect.Type) bool {
	if slices.Contains(within, t) || t == timeType || !isPlain(t) || reflect.PointerTo(t).Implements(jsonMarshaler) {
		return false
	}
	within = append(within, t)
	switch t.Kind() {
	case reflect.Slice, reflect.Map, reflect.Interface:
		return true
	case reflect.Pointer, reflect.Array:
		return holdsLists(t.Elem(), within)
	case reflect.Struct:
		for i := range t.NumField() {
			if holdsLists(t.Field(i).Type, within) {
				return true
			}
		}
	}
	return false
}

// lacksLists reports whether v holds a nil slice or a nil map.
func lacksLists(v reflect.Value) bool {
	l := listerOf(v.Type())
	if !l.holds {
		return false
	}
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		if v.IsNil() {
			return true
		}
		if !listerOf(v.Type().Elem()).holds {
			return false
		}
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return !v.IsNil() && lacksLists(v.Elem())
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if lacksLists(v.Index(i)) {
				return true
			}
		}
	case reflect.Map:
		for entries := v.MapRange(); entries.Next(); {
			if lacksLists(entries.Value()) {
				return true
			}
		}
	case reflect.Struct:
		for _, i := range l.fields {
			if lacksLists(v.Field(i)) {
				return true
			}
		}
	}
	return false
}

// fill fills v, which is a copy: what it points to is copied before it is changed.
func fill(v reflect.Value) {
	if !lacksLists(v) {
		return
	}
	t := v.Type()
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		to := reflect.New(v.Elem().Type()).Elem()
		to.Set(v.Elem())
		fill(to)
		if v.Kind() == reflect.Pointer {
			to = to.Addr().Convert(t)
		}
		v.Set(to)
	case reflect.Slice:
		filled := reflect.MakeSlice(t, v.Len(), v.Len())
		reflect.Copy(filled, v)
		for i := range filled.Len() {
			fill(filled.Index(i))
		}
		v.Set(filled)
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i))
		}
	case reflect.Map:
		filled := reflect.MakeMapWithSize(t, v.Len())
		entry := reflect.New(t.Elem()).Elem()
		for entries := v.MapRange(); entries.Next(); {
			entry.Set(entries.Value())
			fill(entry)
			filled.SetMapIndex(entries.Key(), entry)
		}
		v.Set(filled)
	case reflect.Struct:
		for _, i := range listerOf(t).fields {
			fill(v.Field(i))
		}
	}
}
