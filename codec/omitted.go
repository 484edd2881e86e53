package codec

import (
	"reflect"
	"slices"
)

// zeroer is what the msgpack encoder asks whether to leave out a field with omitempty.
type zeroer interface{ IsZero() bool }

var zeroerType = reflect.TypeFor[zeroer]()

// omission says what may go wrong when a field with omitempty is left out. refused is why it always may; checked reports
// whether its values must be looked at.
func omission(t reflect.Type) (checked bool, refused error) {
	zeroes := t.Implements(zeroerType)
	switch t.Kind() {
	case reflect.Struct:
		if t != timeType && !isPlain(t) && !zeroes {
			return false, faultf("omitempty would leave out any %s: give it a method IsZero, or leave omitempty out", t)
		}
	case reflect.Interface:
		return true, nil
	}
	return zeroes && t != timeType, nil
}

// checkOmitted refuses a value in which omitempty would leave out something else than nothing, such as a zero in an
// any, and pointers to nil.
func checkOmitted(v any) (err error) {
	defer recovered("encoding", &err) // IsZero is not ours
	at := reflect.ValueOf(v)
	if at.Kind() == reflect.Pointer && !at.IsNil() {
		at = at.Elem() // what a state is passed by
	}
	return omittedIn(at)
}

func omittedIn(v reflect.Value) error {
	t := v.Type()
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		if v.Kind() == reflect.Pointer && isNil(v.Elem()) {
			return faultf("a pointer to nil would come back as nil")
		}
		return omittedIn(v.Elem())
	case reflect.Slice, reflect.Array:
		if isNester(t.Elem().Kind()) && isPlain(t) {
			for i := range v.Len() {
				if err := omittedIn(v.Index(i)); err != nil {
					return withinIndex(i, err)
				}
			}
		}
	case reflect.Map:
		if isNester(t.Elem().Kind()) && isPlain(t) {
			for entries := v.MapRange(); entries.Next(); {
				if err := omittedIn(entries.Value()); err != nil {
					return within(keyStep(entries.Key()), err)
				}
			}
		}
	case reflect.Struct:
		return omittedInFields(v)
	}
	return nil
}

func omittedInFields(v reflect.Value) error {
	p := planOf(v.Type())
	if v.Type() == timeType {
		return nil
	}
	for i := range p.fields {
		f := &p.fields[i]
		value, ok := f.existing(v)
		if !ok {
			continue
		}
		if f.omitEmpty && !value.IsZero() && isLeftOut(value) {
			return within("."+f.name, faultf("omitempty would leave it out, though it is not nothing"))
		}
		if err := omittedIn(value); err != nil {
			return within("."+f.name, err)
		}
	}
	return nil
}

// isEmpty reports whether the encoder leaves out the field, which has omitempty.
func (f *field) isEmpty(v reflect.Value) bool {
	switch kind := v.Kind(); {
	case kind == reflect.Interface && v.IsNil():
		return true
	case kind == reflect.Interface || f.zeroes:
		return isLeftOut(v)
	case kind == reflect.Struct:
		return f.plan.isEmpty(v)
	case kind == reflect.Array || kind == reflect.Map || kind == reflect.Slice || kind == reflect.String:
		return v.Len() == 0
	case v.CanFloat():
		return v.Float() == 0 // also the negative one
	}
	return v.IsZero()
}

// isEmpty reports whether the encoder leaves out all fields of a struct.
func (p *plan) isEmpty(v reflect.Value) bool {
	omits := slices.ContainsFunc(p.fields, func(f field) bool { return f.omitEmpty })
	for i := range p.fields {
		f := &p.fields[i]
		value, exists := f.existing(v)
		if !omits || exists && (!f.omitEmpty || !f.isEmpty(value)) {
			return false
		}
	}
	return true
}

// isLeftOut reports whether the encoder leaves out a field with omitempty, for what omission wants to be checked.
func isLeftOut(v reflect.Value) bool {
	inAny := v.Kind() == reflect.Interface
	if inAny {
		v = v.Elem()
	}
	if z, ok := reflect.TypeAssert[zeroer](v); ok {
		return acceptsNil(v.Type()) && v.IsNil() || z.IsZero()
	}
	if !inAny {
		return false
	}
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	}
	return v.IsZero()
}
