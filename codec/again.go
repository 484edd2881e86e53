package codec

import (
	"bytes"
	"fmt"
	"reflect"
	"unicode/utf8"
)

// checkAgain refuses an encoding that could not be decoded again. The encoder takes more than the decoder gives back: an
// any may hold a map with numbers as keys, a type's own methods may write anything. What cannot go wrong is not decoded.
func checkAgain(encoded []byte, v any, p *plan) error {
	if p.foreign || p.sparse && uintptr(len(encoded))*p.widest > memoryAllowance {
		if err := checkEncoded(encoded); err != nil || v == nil || isNil(reflect.ValueOf(v)) {
			return err
		}
		again := reflect.New(reflect.TypeOf(v)).Elem()
		if err := unmarshal(encoded, again, p); err != nil {
			return fmt.Errorf("it could not be decoded again: %w", err)
		}
		return nil
	}
	if p.texts {
		return checkTexts(encoded)
	}
	return nil
}

func isNil(v reflect.Value) bool { return acceptsNil(v.Type()) && v.IsNil() }

// checkTexts refuses strings that are not UTF-8, which other languages cannot read.
func checkTexts(encoded []byte) error {
	var r reader
	r.reset(encoded)
	for r.pos < len(encoded) {
		t, err := r.next()
		if err != nil {
			return err
		}
		if t.kind == kindString {
			if err := checkUTF8(t.body); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkUTF8(text []byte) error {
	if utf8.Valid(text) {
		return nil
	}
	return faultf("the string %s is not UTF-8", quote(text))
}

// checkJSONAgain is checkAgain for JSON.
func checkJSONAgain(encoded []byte, v any, p *plan) error {
	if p.texts && bytes.Contains(encoded, []byte(`\ufffd`)) {
		if err := checkReplaced(encoded); err != nil {
			return err
		}
	}
	if !p.foreign || v == nil || isNil(reflect.ValueOf(v)) {
		return nil
	}
	if err := JSON.Unmarshal(encoded, reflect.New(reflect.TypeOf(v)).Interface()); err != nil {
		return fmt.Errorf("it could not be decoded again: %w", err)
	}
	return nil
}

// checkReplaced refuses JSON in which encoding/json has written an escape for bytes that are no UTF-8. It writes the
// character itself where a string has that.
func checkReplaced(encoded []byte) error {
	for rest := encoded; ; {
		i := bytes.IndexByte(rest, '\\')
		if i < 0 || i+1 >= len(rest) {
			return nil
		}
		if rest = rest[i:]; escaped(rest) == utf8.RuneError {
			return faultf("a string is not UTF-8")
		}
		rest = rest[2:]
	}
}

// checkJSONText refuses JSON that encoding/json would change: bytes that are no UTF-8, and halves of surrogate pairs.
func checkJSONText(data []byte) error {
	if !utf8.Valid(data) {
		return faultf("invalid JSON: it is not UTF-8")
	}
	for rest := data; ; {
		i := bytes.IndexByte(rest, '\\')
		if i < 0 || i+1 >= len(rest) {
			return nil
		}
		rest = rest[i:]
		high := escaped(rest)
		switch {
		case high < 0:
			rest = rest[2:]
		case high < 0xD800 || high > 0xDFFF:
			rest = rest[6:]
		default:
			if low := escaped(rest[6:]); high > 0xDBFF || low < 0xDC00 || low > 0xDFFF {
				return faultf("invalid JSON: %s is half of a character", rest[:6])
			}
			rest = rest[12:]
		}
	}
}

// escaped returns the code of an escape like \u00e9 at the start of data, or -1.
func escaped(data []byte) int {
	if len(data) < 6 || data[0] != '\\' || data[1] != 'u' {
		return -1
	}
	code := 0
	for _, c := range data[2:6] {
		digit := bytes.IndexByte([]byte("0123456789abcdef"), c|0x20)
		if c <= '9' {
			digit = int(c) - '0'
		}
		if digit < 0 {
			return -1
		}
		code = code<<4 | digit
	}
	return code
}
