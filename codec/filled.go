package codec

import "reflect"

// Filled returns v with an empty list for each nil slice that it holds, and an empty map for each nil map. This is how
// values go over the wire: a program in another language finds a list where the type says so, never a null. States
// keep what is nil, because a Go program can tell the difference. v itself is not changed. Fields that are omitted when
// empty, and types that encode themselves, stay as they are.
func Filled(v any) any {
	switch known := v.(type) { // what most calls have; v itself is returned, which costs no allocation
	case nil, *struct{}, bool, int, int64, float64, string:
		return v
	case []byte:
		if known != nil {
			return v
		}
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

// lacksLists reports whether v holds a nil slice or a nil map.
func lacksLists(v reflect.Value) bool {
	shape := shapeOf(v.Type())
	if !shape.lists {
		return false
	}
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		if v.IsNil() {
			return true
		}
		if !shapeOf(v.Type().Elem()).lists {
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
		for _, i := range shape.listFields {
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
		for _, i := range shapeOf(t).listFields {
			fill(v.Field(i))
		}
	}
}
