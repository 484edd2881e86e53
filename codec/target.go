package codec

import (
	"fmt"
	"reflect"
)

// target returns the value that into points to, cleared, and its plan.
func target(into any) (reflect.Value, *plan, error) {
	v, p, err := destination(into)
	if err == nil {
		p.clear(v)
	}
	return v, p, err
}

// destination returns the value that into points to, and its plan.
func destination(into any) (reflect.Value, *plan, error) {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return v, nil, fmt.Errorf("cannot decode into %T, a non-nil pointer is needed", into)
	}
	v = v.Elem()
	p := planOf(v.Type())
	return v, p, p.err
}

// acceptsNil reports whether a value of the type can be nil, so that a nil is not mistaken for a zero value.
func acceptsNil(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Interface:
		return true
	}
	return false
}

// encodable returns the plan of v, or none if v stands for nothing. The error says why v has no encoding.
func encodable(v any) (p *plan, err error) {
	if _, nothing := v.(*struct{}); nothing {
		return nil, nil
	}
	t := reflect.TypeOf(v)
	if v == nil {
		t = anyType
	}
	p = planOf(t)
	return p, p.err
}
