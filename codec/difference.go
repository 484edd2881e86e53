package codec

import (
	"bytes"
	"math"
	"reflect"
	"strings"
	"time"
)

// Difference returns an error that names the place where a value and its copy, which has been decoded from the value's
// encoding, are not the same, or nil. Equal are: a nil and an empty list; two times at the same moment with the same
// offset; two values of a type that encodes itself, if they encode as the same. A value that two pointers share is
// different: its copy is two values. What is not encoded is not compared.
func Difference(value, decoded any) (err error) {
	defer recovered("comparing", &err) // a method of the value's type may panic
	c := comparison{seen: make(map[shared]bool)}
	return c.compare(reflect.ValueOf(value), reflect.ValueOf(decoded))
}

// comparison remembers the pointers on its way: a value that is seen again is shared, or contains itself.
type comparison struct{ seen map[shared]bool }

type shared struct {
	typ reflect.Type
	at  uintptr
}

func (c *comparison) compare(a, b reflect.Value) error {
	switch {
	case !a.IsValid() || !b.IsValid():
		if a.IsValid() != b.IsValid() {
			return faultf("%s comes back as %s", kindName(a), kindName(b))
		}
		return nil
	case a.Type() != b.Type():
		return faultf("a %s comes back as a %s", a.Type(), b.Type())
	case a.Type() == timeType:
		return compareTimes(a, b)
	case a.Kind() != reflect.Interface && a.Kind() != reflect.Pointer && shapeOf(a.Type()).own:
		return compareEncoded(a, b)
	}
	switch a.Kind() {
	case reflect.Pointer:
		return c.comparePointers(a, b)
	case reflect.Interface:
		return c.compare(a.Elem(), b.Elem())
	case reflect.Struct:
		return c.compareStructs(a, b)
	case reflect.Slice, reflect.Array:
		return c.compareLists(a, b)
	case reflect.Map:
		return c.compareMaps(a, b)
	case reflect.Float32, reflect.Float64:
		if a.Float() == b.Float() || math.IsNaN(a.Float()) && math.IsNaN(b.Float()) {
			return nil
		}
	default:
		if a.Equal(b) {
			return nil
		}
	}
	return faultf("%v comes back as %v", a, b)
}

func kindName(v reflect.Value) string {
	if !v.IsValid() {
		return "nil"
	}
	return "a " + v.Type().String()
}

func compareTimes(a, b reflect.Value) error {
	at, back := a.Interface().(time.Time), b.Interface().(time.Time)
	_, offset := at.Zone()
	if _, offsetBack := back.Zone(); !at.Equal(back) || offset != offsetBack {
		return faultf("the time %s comes back as %s", at.Format(time.RFC3339Nano), back.Format(time.RFC3339Nano))
	}
	return nil
}

// compareEncoded compares values whose type encodes itself.
func compareEncoded(a, b reflect.Value) error {
	encoded, err := appendCopy(a)
	if err != nil {
		return err
	}
	again, err := appendCopy(b)
	if err != nil {
		return err
	}
	if !bytes.Equal(encoded, again) {
		return faultf("%v comes back as %v", a, b)
	}
	return nil
}

func (c *comparison) comparePointers(a, b reflect.Value) error {
	if a.IsNil() || b.IsNil() {
		if a.IsNil() != b.IsNil() {
			return faultf("a pointer that is nil: %t, comes back as one that is nil: %t", a.IsNil(), b.IsNil())
		}
		return nil
	}
	at := shared{a.Type(), a.Pointer()}
	if c.seen[at] && a.Type().Elem().Size() > 0 {
		return faultf("another pointer leads to the same %s; they come back as two", a.Type().Elem())
	}
	c.seen[at] = true
	return c.compare(a.Elem(), b.Elem())
}

func (c *comparison) compareStructs(a, b reflect.Value) error {
	for i := range a.NumField() {
		f := a.Type().Field(i)
		if name, _, _ := parseTag(f); name == "-" || !f.IsExported() && !f.Anonymous {
			continue
		}
		if err := c.compare(a.Field(i), b.Field(i)); err != nil {
			return within("."+f.Name, err)
		}
	}
	return nil
}

func (c *comparison) compareLists(a, b reflect.Value) error {
	if a.Len() != b.Len() {
		return faultf("a list of %d comes back as one of %d", a.Len(), b.Len())
	}
	if a.Kind() == reflect.Slice && a.Type().Elem().Kind() == reflect.Uint8 && bytes.Equal(a.Bytes(), b.Bytes()) {
		return nil // a large one would take long byte by byte
	}
	for i := range a.Len() {
		if err := c.compare(a.Index(i), b.Index(i)); err != nil {
			return withinIndex(i, err)
		}
	}
	return nil
}

func (c *comparison) compareMaps(a, b reflect.Value) error {
	if a.Len() != b.Len() {
		return faultf("a map of %d comes back as one of %d", a.Len(), b.Len())
	}
	encodedKeys := map[string]reflect.Value{} // for keys that hold more than they encode
	for entries := a.MapRange(); entries.Next(); {
		key := entries.Key()
		found := b.MapIndex(key)
		if !found.IsValid() && !isPlain(key.Type()) {
			if len(encodedKeys) == 0 {
				for others := b.MapRange(); others.Next(); {
					encodedKeys[encodedKey(others.Key())] = others.Value()
				}
			}
			found = encodedKeys[encodedKey(key)]
		}
		if !found.IsValid() {
			return within(keyStep(key), faultf("the entry is lost"))
		}
		if err := c.compare(entries.Value(), found); err != nil {
			return within(keyStep(key), err)
		}
	}
	return nil
}

// appendCopy encodes a value by way of a pointer, on which it may have its methods.
func appendCopy(v reflect.Value) ([]byte, error) {
	to := reflect.New(v.Type())
	to.Elem().Set(v)
	return MsgPack.Append(nil, to.Interface())
}

func encodedKey(key reflect.Value) string {
	encoded, err := appendCopy(key)
	if err != nil {
		return strings.ToValidUTF8(err.Error(), "")
	}
	return string(encoded)
}
