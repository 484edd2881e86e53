// Package codec turns values into bytes and back, in msgpack or in JSON.
//
// Fields are named by their json tags in both encodings. Bytes are never trusted: whatever they hold, decoding ends
// in a value that is faithful to them or in an error that names the place, within time and memory in proportion to
// their length.
package codec

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// Codec turns values into bytes and bytes into values. [MsgPack] and [JSON] implement it; both are safe for concurrent
// use.
//
// A *struct{} stands for nothing: it encodes to no bytes at all, and decodes from no bytes, a msgpack nil or a JSON
// null. No other type decodes from no bytes.
//
// A struct with two fields of one name, or with an exported field that has no encoding (a channel, a function), is
// refused both ways. Unexported fields are never encoded.
type Codec interface {
	// ContentType is the media type of the encoding, like "application/json".
	ContentType() string

	// Append appends the encoding of v to dst and returns the result. With an error it returns dst as it was.
	// An error is also a value that contains itself or, in msgpack, one that nests deeper than 64 levels.
	Append(dst []byte, v any) ([]byte, error)

	// Unmarshal decodes data, which holds exactly one value, into what into, a non-nil pointer, points to. It first
	// clears the exported fields there (all of the value if it is no struct), so what data does not mention is zero;
	// it does so too before it returns an error about data. Unknown fields are ignored, times are in UTC, and a nil
	// within a struct, a list or a map is a zero value. In an any, integers are int64, or uint64 when too large, and
	// other numbers float64. Data that nests deeper than 64 levels is refused, and so is what would take more than 64
	// times its size, plus 1 MiB, in memory.
	Unmarshal(data []byte, into any) error
}

var (
	// MsgPack is the codec of application/msgpack, the default. It refuses data that has an entry twice. An integer may
	// come as a float of the same value, which is how JavaScript sends a large one; nothing else is converted. In an any,
	// bytes are a []byte, a timestamp is a time.Time, and maps need strings as keys. With omitempty, it also leaves out a
	// pointer to a value whose IsZero method says that it is zero, as to the zero time.Time.
	MsgPack Codec = msgpackCodec{}

	// JSON is the codec of application/json. It encodes and decodes as encoding/json does, except that it does not
	// escape HTML. In an any, a number that is written with a fraction or an exponent is a float64.
	JSON Codec = jsonCodec{}
)

// ErrContentType is the error of [ForContentType] for a content type that no codec has.
var ErrContentType = errors.New("unknown content type")

// ForContentType returns the codec of a content type, whose case and parameters do not matter. Without a content type
// it is [MsgPack]. The error for an unknown one wraps [ErrContentType].
func ForContentType(contentType string) (Codec, error) {
	mediaType, _, _ := strings.Cut(contentType, ";")
	mediaType = strings.TrimSpace(mediaType)
	for _, c := range []Codec{MsgPack, JSON} {
		if strings.EqualFold(mediaType, c.ContentType()) {
			return c, nil
		}
	}
	if contentType == "" {
		return MsgPack, nil
	}
	return nil, fmt.Errorf("%w %s", ErrContentType, quote([]byte(mediaType)))
}

// target is what a decoder is to fill: the value that into points to, cleared, with its plan.
func target(into any) (reflect.Value, *plan, error) {
	v, p, err := destination(into)
	if err == nil {
		p.clear(v)
	}
	return v, p, err
}

// destination is the value that into points to, with its plan.
func destination(into any) (reflect.Value, *plan, error) {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return v, nil, fmt.Errorf("cannot decode into %T, a non-nil pointer is needed", into)
	}
	v = v.Elem()
	p := planOf(v.Type())
	return v, p, p.err
}

// acceptsNil says whether a value of the type can be nil, so that a nil is not mistaken for a zero value.
func acceptsNil(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Interface:
		return true
	}
	return false
}

// encodable returns the plan of v, or no plan if v is nothing. The error says why v has no encoding.
func encodable(v any) (p *plan, err error) {
	if _, nothing := v.(*struct{}); nothing {
		return nil, nil
	}
	t := reflect.TypeOf(v)
	if v == nil {
		t = anyType
	}
	p = planOf(t)
	return p, p.err
}
