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
