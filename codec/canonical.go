package codec

import (
	"encoding/binary"
	"math"
)

// AppendCanonical appends the one encoding of a msgpack value that all encodings of it have in common: lengths and
// integers in their shortest forms, a float that is an integer as that, and the entries of maps in byte order. So values
// that differ only in how a program has encoded them are the same bytes.
func AppendCanonical(dst, data []byte) ([]byte, error) {
	var r reader
	r.reset(data)
	r.values = true
	all, err := r.appendSorted(dst)
	if err == nil {
		err = r.end()
	}
	if err != nil {
		return dst, err
	}
	return all, nil
}

// appendToken appends a value, or the head of a container, in its canonical form.
func appendToken(dst []byte, t token) []byte {
	switch t.kind {
	case kindNil:
		return append(dst, codeNil)
	case kindBool:
		return append(dst, codeFalse+byte(t.bits))
	case kindInt:
		return binary.BigEndian.AppendUint64(append(dst, codeInt64), t.bits)
	case kindUint:
		return AppendUint(dst, t.bits)
	case kindFloat32, kindFloat64:
		return appendNumber(dst, math.Float64frombits(t.bits))
	case kindString:
		return AppendString(dst, string(t.body))
	case kindBytes:
		return AppendBytes(dst, t.body)
	case kindArray:
		return AppendArray(dst, int(t.bits))
	case kindMap:
		return AppendMap(dst, int(t.bits))
	case kindExt:
		dst = binary.BigEndian.AppendUint32(append(dst, codeExt32), uint32(len(t.body)))
		return append(append(dst, byte(t.ext)), t.body...)
	}
	return dst
}

func appendNumber(dst []byte, f float64) []byte {
	switch {
	case f != math.Trunc(f), f < math.MinInt64, f >= math.MaxUint64:
		return binary.BigEndian.AppendUint64(append(dst, codeFloat64), math.Float64bits(f))
	case f < 0:
		return binary.BigEndian.AppendUint64(append(dst, codeInt64), uint64(int64(f)))
	}
	return AppendUint(dst, uint64(f))
}
