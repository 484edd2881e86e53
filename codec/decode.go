package codec

import (
	"bytes"
	"encoding"
	"math"
	"reflect"
	"strconv"

	"github.com/vmihailenco/msgpack/v5"
)

func decodeBool(r *reader, v reflect.Value) error {
	t, err := r.next()
	switch {
	case err != nil || t.kind == kindNil:
		return err
	case t.kind != kindBool:
		return wrongKind("a boolean", t)
	}
	v.SetBool(t.bits == 1)
	return nil
}

func decodeInt(r *reader, v reflect.Value) error {
	t, err := r.next()
	if err != nil || t.kind == kindNil {
		return err
	}
	n, fits := t.int64()
	if !fits || v.OverflowInt(n) {
		return wrongNumber(v.Type(), t)
	}
	v.SetInt(n)
	return nil
}

func decodeUint(r *reader, v reflect.Value) error {
	t, err := r.next()
	if err != nil || t.kind == kindNil {
		return err
	}
	n, fits := t.uint64()
	if !fits || v.OverflowUint(n) {
		return wrongNumber(v.Type(), t)
	}
	v.SetUint(n)
	return nil
}

// decodeFloat accepts an integer only if the float has the same value. A float64 may lose digits in a float32, as it
// does in Go, but must not become infinite.
func decodeFloat(r *reader, v reflect.Value) error {
	t, err := r.next()
	if err != nil || t.kind == kindNil {
		return err
	}
	f, fits := t.float64()
	if t.kind == kindInt || t.kind == kindUint {
		fits = fits && (v.Kind() == reflect.Float64 || float64(float32(f)) == f)
	}
	if !fits || v.OverflowFloat(f) && !math.IsInf(f, 0) {
		return wrongNumber(v.Type(), t)
	}
	v.SetFloat(f)
	return nil
}

// int64 returns the integer in a token, if it is one and fits.
func (t token) int64() (int64, bool) {
	switch t.kind {
	case kindInt:
		return int64(t.bits), true
	case kindUint:
		return int64(t.bits), t.bits <= math.MaxInt64
	case kindFloat32, kindFloat64:
		f := math.Float64frombits(t.bits)
		if f >= -1<<63 && f < 1<<63 && f == math.Trunc(f) {
			return int64(f), true
		}
	}
	return 0, false
}

func (t token) uint64() (uint64, bool) {
	switch t.kind {
	case kindUint:
		return t.bits, true
	case kindFloat32, kindFloat64:
		f := math.Float64frombits(t.bits)
		if f >= 0 && f < 1<<64 && f == math.Trunc(f) {
			return uint64(f), true
		}
	}
	return 0, false
}

func (t token) float64() (float64, bool) {
	var f float64
	switch t.kind {
	case kindInt:
		f = float64(int64(t.bits))
	case kindUint:
		f = float64(t.bits)
	case kindFloat32, kindFloat64:
		return math.Float64frombits(t.bits), true
	default:
		return 0, false
	}
	back, fits := token{kind: kindFloat64, bits: math.Float64bits(f)}.integer()
	return f, fits && back == t.bits
}

// integer returns the bits of the integer that a float is.
func (t token) integer() (uint64, bool) {
	if n, fits := t.int64(); fits {
		return uint64(n), true
	}
	return t.uint64()
}

func wrongNumber(expected reflect.Type, got token) error {
	var text string
	switch got.kind {
	case kindInt:
		text = strconv.FormatInt(int64(got.bits), 10)
	case kindUint:
		text = strconv.FormatUint(got.bits, 10)
	case kindFloat32, kindFloat64:
		text = strconv.FormatFloat(math.Float64frombits(got.bits), 'g', -1, 64)
	default:
		return wrongKind(expected.String(), got)
	}
	return faultf("%s does not fit %s", text, expected)
}

func decodeString(r *reader, v reflect.Value) error {
	t, err := r.next()
	switch {
	case err != nil || t.kind == kindNil:
		return err
	case t.kind != kindString:
		return wrongKind("a string", t)
	}
	v.SetString(string(t.body))
	return checkUTF8(t.body)
}

func decodeBytes(r *reader, v reflect.Value) error {
	data, err := r.bytes()
	if err == nil {
		v.SetBytes(data)
	}
	return err
}

// bytes reads a byte string or a nil.
func (r *reader) bytes() ([]byte, error) {
	t, err := r.next()
	switch {
	case err != nil || t.kind == kindNil:
		return nil, err
	case t.kind != kindBytes:
		return nil, wrongKind("bytes", t)
	}
	return clone(t.body), nil
}

func decodeByteArray(r *reader, v reflect.Value) error {
	t, err := r.next()
	switch {
	case err != nil || t.kind == kindNil:
		return err
	case t.kind != kindBytes:
		return wrongKind("bytes", t)
	case len(t.body) != v.Len():
		return faultf("expected %d bytes, got %d", v.Len(), len(t.body))
	}
	copy(v.Bytes(), t.body)
	return nil
}

func decodeTime(r *reader, v reflect.Value) error {
	t, err := r.next()
	if err != nil || t.kind == kindNil {
		return err
	}
	at, err := t.time()
	if err != nil {
		return err
	}
	v.Set(reflect.ValueOf(at))
	return nil
}

func decodeCustom(r *reader, v reflect.Value) error {
	data, err := r.skip()
	if err != nil || data[0] == codeNil {
		return err
	}
	d := msgpack.GetDecoder()
	defer msgpack.PutDecoder(d)
	d.Reset(bytes.NewReader(data))
	d.SetCustomStructTag(structTag)
	d.UseLooseInterfaceDecoding(true)
	return v.Addr().Interface().(msgpack.CustomDecoder).DecodeMsgpack(d)
}

func decodeUnmarshaler(r *reader, v reflect.Value) error {
	data, err := r.skip()
	if err != nil || data[0] == codeNil {
		return err
	}
	return v.Addr().Interface().(msgpack.Unmarshaler).UnmarshalMsgpack(clone(data))
}

func decodeBinary(r *reader, v reflect.Value) error {
	return decodeMarshaled(r, func(data []byte) error {
		return v.Addr().Interface().(encoding.BinaryUnmarshaler).UnmarshalBinary(data)
	})
}

func decodeText(r *reader, v reflect.Value) error {
	return decodeMarshaled(r, func(data []byte) error {
		return v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText(data)
	})
}

// decodeMarshaled accepts strings as well as bytes: texts were written as bytes once.
func decodeMarshaled(r *reader, unmarshal func([]byte) error) error {
	t, err := r.next()
	switch {
	case err != nil || t.kind == kindNil:
		return err
	case t.kind != kindBytes && t.kind != kindString:
		return wrongKind("bytes or a string", t)
	}
	return unmarshal(clone(t.body))
}

// clone copies bytes, because the data's owner may reuse them. A copy of no bytes is empty, not nil.
func clone(b []byte) []byte {
	return append(make([]byte, 0, len(b)), b...)
}
