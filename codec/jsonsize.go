package codec

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
)

// checkJSON refuses what encoding/json would accept: up to 10,000 levels of nesting, and values that take a multiple of
// their text in memory, as [[],[],[]] does for a list of arrays of a thousand numbers each.
func checkJSON(data []byte, t reflect.Type, p *plan) error {
	values, err := countValues(data)
	if err != nil {
		return err
	}
	allowed := memoryAllowance + memoryPerByte*len(data)
	if uintptr(values)*p.widest <= uintptr(allowed) {
		return nil // however the values are spread over the type
	}
	s := sizer{decoder: json.NewDecoder(bytes.NewReader(data)), left: allowed}
	s.decoder.UseNumber()
	if s.value(t) == nil && s.left < 0 {
		return faultf("the value takes too much memory for its encoding of %d bytes", len(data))
	}
	return nil // or invalid JSON, which the decoder will report
}

// countValues counts the lists, maps and nulls in JSON, which may be invalid. It fails if they nest too deep.
func countValues(data []byte) (count int, err error) {
	depth, quoted := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++ // an escaped character ends no string
		case quoted:
		case c == '[' || c == '{':
			count++
			if depth++; depth > maxDepth {
				return 0, faultf("invalid JSON at byte %d: nested deeper than %d levels", i, maxDepth)
			}
		case c == ']' || c == '}':
			depth--
		case c == 'n':
			count++
		}
	}
	return count, nil
}

// sizer adds up the memory that decoded JSON takes, and notes the numbers that are to be integers and are not written
// as such.
type sizer struct {
	decoder   *json.Decoder
	left      int // bytes that it may still take
	fractions []fraction
}

// fraction is a number in JSON that has a fraction or an exponent, as 5.0 or 1e3 do.
type fraction struct {
	text string
	end  int // its place in the data
}

func isInteger(k reflect.Kind) bool { return k >= reflect.Int && k <= reflect.Uintptr }

// value subtracts the next value from left. Its type is t; if t is nil, its size does not matter.
func (s *sizer) value(t reflect.Type) error {
	token, err := s.decoder.Token()
	if err != nil || token == nil { // null allocates nothing
		return err
	}
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
		s.left -= int(t.Size())
	}
	if t != nil && (t.Kind() == reflect.Interface || !isPlainJSON(t)) {
		t = nil
	}
	if number, ok := token.(json.Number); ok && t != nil && isInteger(t.Kind()) && strings.ContainsAny(number.String(), ".eE") {
		s.fractions = append(s.fractions, fraction{number.String(), int(s.decoder.InputOffset())})
	}
	switch token {
	case json.Delim('['):
		return s.list(t)
	case json.Delim('{'):
		return s.object(t)
	}
	return nil
}

func (s *sizer) list(t reflect.Type) error {
	var elem reflect.Type
	size := 0
	if t != nil && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) {
		elem = t.Elem()
		if t.Kind() == reflect.Slice {
			size = int(elem.Size())
		}
	}
	for s.left >= 0 && s.decoder.More() {
		s.left -= size
		if err := s.value(elem); err != nil {
			return err
		}
	}
	return s.end()
}

func (s *sizer) object(t reflect.Type) error {
	for s.left >= 0 && s.decoder.More() {
		name, err := s.decoder.Token()
		if err != nil {
			return err
		}
		var elem reflect.Type
		switch {
		case t == nil:
		case t.Kind() == reflect.Map:
			elem = t.Elem()
			s.left -= int(t.Key().Size() + elem.Size())
		case t.Kind() == reflect.Struct:
			text, _ := name.(string)
			elem = fieldType(t, text)
		}
		if err := s.value(elem); err != nil {
			return err
		}
	}
	return s.end()
}

// end reads the end of a list or a map, unless the limit is exceeded already.
func (s *sizer) end() error {
	if s.left < 0 {
		return nil
	}
	_, err := s.decoder.Token()
	return err
}

// fieldType is the type of a field, or nil. The case of the name does not matter.
func fieldType(t reflect.Type, name string) reflect.Type {
	for _, f := range planOf(t).fields {
		if strings.EqualFold(f.name, name) {
			return t.FieldByIndex(f.index).Type
		}
	}
	return nil
}
