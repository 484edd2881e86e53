package codec

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

type jsonCodec struct{}

func (jsonCodec) ContentType() string { return "application/json" }

func (jsonCodec) Append(dst []byte, v any) (out []byte, err error) {
	if p, err := encodable(v); p == nil || err != nil {
		return dst, err
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
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), nil
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
	if len(data) == 0 {
		return errEmpty
	}
	if isNull && !acceptsNil(v.Type()) {
		return faultf("expected %s, got null", v.Type())
	}
	if err := checkJSON(data, v.Type(), p); err != nil {
		return err
	}
	defer recovered("decoding", &err)
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	err = decoder.Decode(into)
	if err == nil {
		if rest := data[decoder.InputOffset():]; len(rest) > 0 {
			err = faultf("invalid JSON: %d bytes after the value", len(rest))
		}
	} else {
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
	return errors.New(strings.TrimPrefix(err.Error(), "json: "))
}
