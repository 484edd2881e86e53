package codec

import (
	"encoding/binary"
	"fmt"
	"math"
)

const (
	maxDepth        = 64      // levels of maps and arrays
	memoryPerByte   = 64      // bytes of memory that a byte of data may take when decoded
	memoryAllowance = 1 << 20 // bytes of memory that any data may take when decoded
)

// kind is the kind of a token. Errors name kinds as in kindNames.
type kind uint8

const (
	kindNil kind = iota
	kindBool
	kindInt  // negative
	kindUint // zero or positive
	kindFloat32
	kindFloat64
	kindString
	kindBytes
	kindArray
	kindMap
	kindExt
)

var kindNames = [...]string{
	"nil", "a boolean", "an integer", "an integer", "a float", "a float", "a string", "bytes", "an array", "a map",
	"an extension",
}

func (k kind) String() string { return kindNames[k] }

// token is one msgpack value, or the head of an array or map.
type token struct {
	kind kind
	ext  int8   // the type of an extension
	bits uint64 // the value of a boolean or number; the count of an array or map
	body []byte // of a string, bytes or extension; part of the data
}

// reader reads tokens. It trusts no length that the data has too few bytes for, because nobody may allocate by such a
// length: five bytes can declare four billion elements (vmihailenco/msgpack#401).
type reader struct {
	data   []byte
	pos    int
	depth  int
	memory int  // bytes that the decoded value may still take
	values bool // appendSorted goes by values, not by their encodings
}

func (r *reader) reset(data []byte) {
	*r = reader{data: data, memory: memoryAllowance + memoryPerByte*len(data)}
}

func (r *reader) invalid(format string, args ...any) error {
	return faultf("invalid msgpack at byte %d: %s", r.pos, fmt.Sprintf(format, args...))
}

// next reads one token.
func (r *reader) next() (token, error) {
	if r.pos == len(r.data) {
		return token{}, r.invalid("unexpected end")
	}
	code := r.data[r.pos]
	r.pos++
	switch {
	case code <= codePositiveMax:
		return token{kind: kindUint, bits: uint64(code)}, nil
	case code < codeFixArray:
		return r.container(kindMap, int(code-codeFixMap))
	case code < codeFixString:
		return r.container(kindArray, int(code-codeFixArray))
	case code < codeNil:
		return r.body(kindString, int(code-codeFixString))
	case code >= codeNegativeMin:
		return token{kind: kindInt, bits: uint64(int64(int8(code)))}, nil
	}
	return r.sized(code)
}

// sized reads the rest of a token whose value or length is not in its code.
func (r *reader) sized(code byte) (token, error) {
	switch {
	case code == codeNil:
		return token{kind: kindNil}, nil
	case code == codeFalse:
		return token{kind: kindBool}, nil
	case code == codeTrue:
		return token{kind: kindBool, bits: 1}, nil
	case code == codeFloat32:
		n, err := r.number(4)
		return token{kind: kindFloat32, bits: math.Float64bits(float64(math.Float32frombits(uint32(n))))}, err
	case code == codeFloat64:
		n, err := r.number(8)
		return token{kind: kindFloat64, bits: n}, err
	case code >= codeUint8 && code <= codeUint64:
		n, err := r.number(1 << (code - codeUint8))
		return token{kind: kindUint, bits: n}, err
	case code >= codeInt8 && code <= codeInt64:
		return r.signed(1 << (code - codeInt8))
	case code >= codeFixExt1 && code <= codeFixExt16:
		return r.extension(1 << (code - codeFixExt1))
	}
	return r.long(code)
}

// signed reads a signed integer.
func (r *reader) signed(size int) (token, error) {
	n, err := r.number(size)
	unused := 64 - 8*size
	if signed := int64(n) << unused >> unused; signed < 0 {
		return token{kind: kindInt, bits: uint64(signed)}, err
	}
	return token{kind: kindUint, bits: n}, err
}

// long reads the rest of a token whose code is followed by its length.
func (r *reader) long(code byte) (token, error) {
	var size int // bytes of the length
	switch code {
	case codeString8, codeBin8, codeExt8:
		size = 1
	case codeString16, codeBin16, codeExt16, codeArray16, codeMap16:
		size = 2
	case codeString32, codeBin32, codeExt32, codeArray32, codeMap32:
		size = 4
	default:
		r.pos--
		return token{}, r.invalid("reserved code 0x%x", code)
	}
	length, err := r.number(size)
	if err != nil {
		return token{}, err
	}
	if length > uint64(len(r.data)) { // it may not fit an int
		return token{}, r.invalid("length %d declared, %d bytes left", length, len(r.data)-r.pos)
	}
	switch code {
	case codeString8, codeString16, codeString32:
		return r.body(kindString, int(length))
	case codeBin8, codeBin16, codeBin32:
		return r.body(kindBytes, int(length))
	case codeArray16, codeArray32:
		return r.container(kindArray, int(length))
	case codeMap16, codeMap32:
		return r.container(kindMap, int(length))
	}
	return r.extension(int(length))
}

// number reads a big-endian number.
func (r *reader) number(size int) (uint64, error) {
	rest := r.data[r.pos:]
	if len(rest) < size {
		return 0, r.invalid("unexpected end")
	}
	r.pos += size
	switch size {
	case 1:
		return uint64(rest[0]), nil
	case 2:
		return uint64(binary.BigEndian.Uint16(rest)), nil
	case 4:
		return uint64(binary.BigEndian.Uint32(rest)), nil
	}
	return binary.BigEndian.Uint64(rest), nil
}

func (r *reader) body(k kind, size int) (token, error) {
	if left := len(r.data) - r.pos; size > left {
		return token{}, r.invalid("%d bytes declared, %d left", size, left)
	}
	start := r.pos
	r.pos += size
	return token{kind: k, body: r.data[start:r.pos]}, nil
}

func (r *reader) extension(size int) (token, error) {
	id, err := r.number(1)
	if err != nil {
		return token{}, err
	}
	t, err := r.body(kindExt, size)
	t.ext = int8(id)
	return t, err
}

func (r *reader) container(k kind, count int) (token, error) {
	least := count // an element takes at least one byte
	if k == kindMap {
		least *= 2
	}
	if left := len(r.data) - r.pos; least > left {
		return token{}, r.invalid("%d elements declared, %d bytes left", count, left)
	}
	return token{kind: k, bits: uint64(count)}, nil
}

// enter starts a level of nesting; the caller ends it by decrementing depth.
func (r *reader) enter() error {
	r.depth++
	if r.depth > maxDepth {
		return r.invalid("nested deeper than %d levels", maxDepth)
	}
	return nil
}

// take accounts for the memory of count values of a size. Without it a megabyte of empty maps could become a gigabyte
// of structs.
func (r *reader) take(count int, size uintptr) error {
	if size > 0 && uintptr(count) > uintptr(r.memory)/size {
		return faultf("the value takes too much memory for its encoding of %d bytes", len(r.data))
	}
	r.memory -= count * int(size)
	return nil
}

// peekNil reports whether the next token is nil.
func (r *reader) peekNil() bool {
	return r.pos < len(r.data) && r.data[r.pos] == codeNil
}

// skip reads one whole value and returns its bytes.
func (r *reader) skip() ([]byte, error) {
	start := r.pos
	t, err := r.next()
	if err != nil {
		return nil, err
	}
	if t.kind != kindArray && t.kind != kindMap {
		return r.data[start:r.pos], nil
	}
	if err := r.enter(); err != nil {
		return nil, err
	}
	values := int(t.bits)
	if t.kind == kindMap {
		values *= 2
	}
	for range values {
		if _, err := r.skip(); err != nil {
			return nil, err
		}
	}
	r.depth--
	return r.data[start:r.pos], nil
}

// end fails if there are bytes after the value.
func (r *reader) end() error {
	if left := len(r.data) - r.pos; left > 0 {
		return r.invalid("%d bytes after the value", left)
	}
	return nil
}

func wrongKind(expected string, got token) error {
	return faultf("expected %s, got %s", expected, got.kind)
}
