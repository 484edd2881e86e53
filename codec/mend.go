package codec

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"time"
)

// mend converts what encoding/json decoded into what the other codec decodes: numbers in an any become an int64, a
// uint64 or a float64 instead of a [json.Number], and times become UTC.
func mend(v reflect.Value) error {
	if v.Type() == timeType {
		v.Set(reflect.ValueOf(v.Interface().(time.Time).UTC()))
		return nil
	}
	if !mayNeedMending(v.Type()) {
		return nil
	}
	switch v.Kind() {
	case reflect.Interface:
		if v.NumMethod() > 0 || v.IsNil() {
			return nil
		}
		x, err := mended(v.Interface())
		if err == nil {
			v.Set(reflect.ValueOf(x))
		}
		return err
	case reflect.Pointer:
		if !v.IsNil() {
			return mend(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); v.Type().Field(i).IsExported() || v.Type().Field(i).Anonymous {
				if err := mendField(f); err != nil {
					return within("."+v.Type().Field(i).Name, err)
				}
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if err := mend(v.Index(i)); err != nil {
				return withinIndex(i, err)
			}
		}
	case reflect.Map:
		return mendMap(v)
	}
	return nil
}

func mendField(f reflect.Value) error {
	if !f.CanSet() && f.Kind() != reflect.Struct {
		return nil
	}
	return mend(f)
}

func mendMap(m reflect.Value) error {
	if !mayNeedMending(m.Type().Elem()) {
		return nil
	}
	entries := m.MapRange()
	for entries.Next() {
		e := reflect.New(m.Type().Elem()).Elem()
		e.Set(entries.Value())
		if err := mend(e); err != nil {
			return within(keyStep(entries.Key()), err)
		}
		m.SetMapIndex(entries.Key(), e)
	}
	return nil
}

func mayNeedMending(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Interface, reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return isPlainJSON(t)
	case reflect.Struct:
		return t == timeType || isPlainJSON(t)
	}
	return false
}

func mended(x any) (any, error) {
	var err error
	switch x := x.(type) {
	case json.Number:
		return number(x.String())
	case []any:
		for i := range x {
			if x[i], err = mended(x[i]); err != nil {
				return nil, withinIndex(i, err)
			}
		}
	case map[string]any:
		for key := range x {
			if x[key], err = mended(x[key]); err != nil {
				return nil, within(unknownStep([]byte(key)), err)
			}
		}
	}
	return x, nil
}

func number(text string) (any, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	if n, err := strconv.ParseUint(text, 10, 64); err == nil {
		return n, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, fmt.Errorf("%s is too large a number", quote([]byte(text)))
	}
	return f, nil
}
