package codec

import (
	"fmt"
	"reflect"
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

// checkEncoded fails unless types with an encoding of their own have written one valid value.
func checkEncoded(data []byte) error {
	var r reader
	r.reset(data)
	_, err := r.skip()
	if err == nil {
		err = r.end()
	}
	if err != nil {
		return fmt.Errorf("a type encoded itself wrongly: %w", err)
	}
	return nil
}

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
