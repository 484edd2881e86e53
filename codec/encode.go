package codec

import (
	"encoding"
	"encoding/binary"
	"math"
	"reflect"
	"sync"
	"time"
	"unicode/utf8"
)

// encodeFunc appends the encoding of a value.
type encodeFunc func(w *writer, v reflect.Value) error

// encoder returns the function that encodes a type. The plans of what it holds are among those that are known.
func (c *compiler) encoder(t reflect.Type, p *plan) encodeFunc {
	switch {
	case t == timeType:
		return encodeTime
	case t.Kind() == reflect.Interface || t.Kind() == reflect.Pointer:
	case encodes(t) == textMethods:
		return textEncoder(t)
	case encodes(t) != noMethods:
		return ownEncoder(t)
	}
	switch t.Kind() {
	case reflect.Bool:
		return encodeBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return encodeInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return encodeUint
	case reflect.Float32:
		return encodeFloat32
	case reflect.Float64:
		return encodeFloat64
	case reflect.String:
		return encodeString
	case reflect.Interface:
		return encodeAny
	case reflect.Struct:
		return structEncoder(p.fields)
	case reflect.Map:
		return mapEncoder(t, c.known[t.Key()], c.known[t.Elem()])
	case reflect.Pointer:
		return pointerEncoder(c.known[t.Elem()])
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return encodeBytes
		}
		return sliceEncoder(c.known[t.Elem()])
	}
	if t.Elem().Kind() == reflect.Uint8 {
		return encodeByteArray
	}
	return arrayEncoder(c.known[t.Elem()])
}

func encodeBool(w *writer, v reflect.Value) error {
	if v.Bool() {
		w.out = append(w.out, codeTrue)
	} else {
		w.out = append(w.out, codeFalse)
	}
	return nil
}

func encodeInt(w *writer, v reflect.Value) error { w.int(v.Int()); return nil }

func encodeUint(w *writer, v reflect.Value) error { w.uint(v.Uint()); return nil }

func encodeFloat32(w *writer, v reflect.Value) error {
	w.out = binary.BigEndian.AppendUint32(append(w.out, codeFloat32), math.Float32bits(float32(v.Float())))
	return nil
}

func encodeFloat64(w *writer, v reflect.Value) error {
	w.out = binary.BigEndian.AppendUint64(append(w.out, codeFloat64), math.Float64bits(v.Float()))
	return nil
}

func encodeString(w *writer, v reflect.Value) error {
	text := v.String()
	if !utf8.ValidString(text) {
		return checkUTF8([]byte(text))
	}
	w.string(text)
	return nil
}

func encodeTime(w *writer, v reflect.Value) error {
	if v.CanAddr() { // which costs no allocation
		return w.time(*v.Addr().Interface().(*time.Time))
	}
	return w.time(v.Interface().(time.Time))
}

func encodeBytes(w *writer, v reflect.Value) error {
	if v.IsNil() {
		w.out = append(w.out, codeNil)
	} else {
		w.out = AppendBytes(w.out, v.Bytes())
	}
	return nil
}

func encodeByteArray(w *writer, v reflect.Value) error {
	if v.CanAddr() {
		w.out = AppendBytes(w.out, v.Bytes())
		return nil
	}
	data := make([]byte, v.Len())
	for i := range data {
		data[i] = byte(v.Index(i).Uint())
	}
	w.out = AppendBytes(w.out, data)
	return nil
}

// encodeAny encodes what is in an any, by the plan of its type. What has none, the library may encode: checkAgain finds out
// whether that can be decoded.
func encodeAny(w *writer, v reflect.Value) error {
	if v.IsNil() {
		w.out = append(w.out, codeNil)
		return nil
	}
	v = v.Elem()
	if p := planOf(v.Type()); p.err == nil {
		return p.encode(w, v)
	}
	return w.own(v)
}

func pointerEncoder(elem *plan) encodeFunc {
	return func(w *writer, v reflect.Value) error {
		if v.IsNil() {
			w.out = append(w.out, codeNil)
			return nil
		}
		return elem.encode(w, v.Elem())
	}
}

func sliceEncoder(elem *plan) encodeFunc {
	array := arrayEncoder(elem)
	return func(w *writer, v reflect.Value) error {
		if v.IsNil() {
			w.out = append(w.out, codeNil)
			return nil
		}
		return array(w, v)
	}
}

func arrayEncoder(elem *plan) encodeFunc {
	return func(w *writer, v reflect.Value) error {
		w.head(codeFixArray, codeArray16, v.Len())
		for i := range v.Len() {
			if err := elem.encode(w, v.Index(i)); err != nil {
				return withinIndex(i, err)
			}
		}
		return nil
	}
}

// structEncoder encodes fields in their order.
func structEncoder(fields []field) encodeFunc {
	labels, omits := make([][]byte, len(fields)), false
	for i := range fields {
		var w writer
		w.string(fields[i].name)
		labels[i], omits = w.out, omits || fields[i].omitEmpty
	}
	return func(w *writer, v reflect.Value) error {
		start, count := len(w.out), 0
		w.out = append(w.out, codeFixMap)
		for i := range fields {
			f := &fields[i]
			value, exists := f.existing(v)
			if omits && (!exists || f.omitEmpty && f.isEmpty(value)) {
				continue
			}
			count++
			w.out = append(w.out, labels[i]...)
			if !exists {
				w.out = append(w.out, codeNil)
			} else if err := f.plan.encode(w, value); err != nil {
				return within("."+f.name, err)
			}
		}
		w.setMapHead(start, count)
		return nil
	}
}

// mapEncoder encodes the entries of a map in the order of their keys, so that equal maps are the same bytes.
//
//go:noinline // within a function as large as encoder, MapRange would allocate
func mapEncoder(t reflect.Type, key, elem *plan) encodeFunc {
	type entry struct{ key, value reflect.Value }
	spare := sync.Pool{New: func() any { return &entry{reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()} }}
	return func(w *writer, v reflect.Value) error {
		if v.IsNil() {
			w.out = append(w.out, codeNil)
			return nil
		}
		w.head(codeFixMap, codeMap16, v.Len())
		base, one := len(w.entries), spare.Get().(*entry)
		for entries := v.MapRange(); entries.Next(); {
			one.key.SetIterKey(entries)
			one.value.SetIterValue(entries)
			written := writtenEntry{start: len(w.out)}
			if err := key.encode(w, one.key); err != nil {
				return within("[key]", err)
			}
			// Texts are in order by what they say, whatever their lengths.
			written.key, written.value = written.start+textHead(w.out[written.start]), len(w.out)
			if err := elem.encode(w, one.value); err != nil {
				return within(keyStep(one.key), err)
			}
			written.end = len(w.out)
			w.entries = append(w.entries, written)
		}
		one.key.SetZero()
		one.value.SetZero()
		spare.Put(one)
		w.arrange(base)
		return nil
	}
}

// textEncoder encodes a type that has MarshalText. What that gives is a text, or bytes if it is none.
func textEncoder(t reflect.Type) encodeFunc {
	byValue := t.Implements(methodsThatEncode[textMethods])
	return func(w *writer, v reflect.Value) error {
		switch {
		case (t.Kind() == reflect.Slice || t.Kind() == reflect.Map) && v.IsNil():
			w.out = append(w.out, codeNil)
			return nil
		case !byValue:
			v = addressed(v).Addr()
		}
		text, err := v.Interface().(encoding.TextMarshaler).MarshalText()
		switch {
		case err != nil:
			return err
		case utf8.Valid(text):
			w.string(string(text))
		default:
			w.out = AppendBytes(w.out, text)
		}
		return nil
	}
}

// addressed is the value, or a copy, with an address.
func addressed(v reflect.Value) reflect.Value {
	if v.CanAddr() {
		return v
	}
	to := reflect.New(v.Type()).Elem()
	to.Set(v)
	return to
}

// ownEncoder encodes a type that has methods for that.
func ownEncoder(t reflect.Type) encodeFunc {
	byValue := false
	for _, method := range methodsThatEncode {
		byValue = byValue || t.Implements(method)
	}
	return func(w *writer, v reflect.Value) error {
		if !byValue {
			v = addressed(v)
		}
		return w.own(v)
	}
}
