package codec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
)

type jsonCodec struct{}

func (jsonCodec) ContentType() string { return "application/json" }

func (jsonCodec) Append(dst []byte, v any) (out []byte, err error) {
	p, err := encodable(v)
	if p == nil || err != nil {
		return dst, err
	}
	if p.noJSON != nil {
		return dst, p.noJSON
	}
	defer func() {
		if err != nil {
			out = dst
		}
	}()
	defer recovered("encoding", &err)
	buffer := bytes.NewBuffer(dst)
	encoder := json.NewEncoder(buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	out = bytes.TrimSuffix(buffer.Bytes(), []byte("\n"))
	return out, checkJSONAgain(out[len(dst):], v, p)
}

func (jsonCodec) Unmarshal(data []byte, into any) (err error) {
	data = bytes.Trim(data, " \t\r\n")
	isNull := string(data) == "null"
	if none, ok := into.(**struct{}); ok && none != nil {
		*none = nil
		if len(data) > 0 && !isNull {
			return faultf("expected nothing, got JSON")
		}
		return nil
	}
	v, p, err := target(into)
	if err != nil {
		return err
	}
	if p.noJSON != nil {
		return p.noJSON
	}
	if len(data) == 0 {
		return errEmpty
	}
	if err := checkJSONText(data); err != nil {
		return err
	}
	if isNull && !acceptsNil(v.Type()) {
		return faultf("expected %s, got null", v.Type())
	}
	if err := checkJSON(data, v.Type(), p); err != nil {
		return err
	}
	defer recovered("decoding", &err)
	err = decodeJSON(data, into)
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) && strings.HasPrefix(wrongType.Value, "number ") {
		if integers, ok := withIntegers(data, v.Type()); ok {
			p.clear(v)
			err = decodeJSON(integers, into)
		}
	}
	if err != nil {
		err = explain(err)
	}
	if err == nil && p.mends {
		err = mend(v)
	}
	if err != nil {
		p.clear(v)
	}
	return err
}

func decodeJSON(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	err := decoder.Decode(into)
	if rest := data[min(int(decoder.InputOffset()), len(data)):]; err == nil && len(rest) > 0 {
		return faultf("invalid JSON: %d bytes after the value", len(rest))
	}
	return err
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

// explain words an error of encoding/json like those of the other codec.
func explain(err error) error {
	var wrongType *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &wrongType):
		number, isNumber := strings.CutPrefix(wrongType.Value, "number ")
		err = faultf("expected %s, got %s", wrongType.Type, wrongType.Value)
		if isNumber {
			err = faultf("%.40s does not fit %s", number, wrongType.Type)
		}
		if wrongType.Field != "" {
			err = within("."+wrongType.Field, err)
		}
		return err
	case errors.As(err, &syntax):
		return faultf("invalid JSON at byte %d: %s", syntax.Offset, syntax)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return faultf("invalid JSON: unexpected end")
	}
	if _, worded := err.(*fault); worded { //nolint:errorlint // as in within
		return err
	}
	return errors.New(strings.TrimPrefix(err.Error(), "json: "))
}
