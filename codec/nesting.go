package codec

import "reflect"

// maxSteps is how many pointers, interfaces and levels may lead to a value. Pointers and interfaces can form a cycle
// without adding a level.
const maxSteps = 8 * maxDepth

// checkNesting fails for a value that could not be decoded again, or that contains itself. Encoding the latter would
// overflow the stack and end the process.
func checkNesting(v reflect.Value, levels, steps int) error {
	if !mayNest(v.Type()) {
		return nil
	}
	if v.Kind() != reflect.Pointer && v.Kind() != reflect.Interface {
		levels++
	}
	if levels > maxDepth || steps > maxSteps {
		return faultf("nested deeper than %d levels", maxDepth)
	}
	steps++
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			return checkNesting(v.Elem(), levels, steps)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if err := checkNesting(v.Index(i), levels, steps); err != nil {
				return withinIndex(i, err)
			}
		}
	case reflect.Map:
		for entries := v.MapRange(); entries.Next(); {
			if err := checkNesting(entries.Value(), levels, steps); err != nil {
				return within(keyStep(entries.Key()), err)
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() && !f.Anonymous || f.Tag.Get(structTag) == "-" {
				continue
			}
			at := levels
			if f.Anonymous {
				at-- // its fields are inlined
			}
			if err := checkNesting(v.Field(i), at, steps); err != nil {
				return within("."+f.Name, err)
			}
		}
	}
	return nil
}

// mayNest reports whether values of a type can hold others, unless methods of the type encode them.
func mayNest(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface:
		return true
	case reflect.Slice, reflect.Array:
		return isNester(t.Elem().Kind()) && isPlain(t)
	case reflect.Map, reflect.Struct:
		return t != timeType && isPlain(t)
	}
	return false
}

// isNester avoids checking each element of a list of numbers or strings.
func isNester(k reflect.Kind) bool {
	switch k {
	case reflect.Pointer, reflect.Interface, reflect.Slice, reflect.Array, reflect.Map, reflect.Struct:
		return true
	}
	return false
}
