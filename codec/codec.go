// Package codec encodes and decodes values, in msgpack or in JSON.
//
// Fields are named by their json tags in both encodings. Data is never trusted: whatever it holds, decoding yields a
// value that is faithful to it or an error that names the place, within time and memory in proportion to its length.
package codec

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// Codec encodes and decodes values. [MsgPack] and [JSON] implement it; both are safe for concurrent use.
//
// A *struct{} stands for nothing: it encodes to no bytes, and decodes from no bytes, a msgpack nil or a JSON null. No
// other type decodes from no bytes.
//
// Whatever is encoded can be decoded to the same value, or encoding it is an error that names the place: an any that holds a
// map whose keys are no strings, a string that is not UTF-8, NaN as a key, a time after the year 9999, a pointer to nil,
// and what omitempty would leave out though it is something.
//
// A struct with two fields of the same name, or with an exported field that has no encoding (a channel, a function), is
// an error both ways. Unexported fields are never encoded.
type Codec interface {
	// ContentType is the media type of the encoding, like "application/json".
	ContentType() string

	// Append appends the encoding of v to dst and returns the result. With an error it returns dst unchanged. A value
	// that contains itself is an error, and so is, in msgpack, one that nests deeper than 64 levels.
	Append(dst []byte, v any) ([]byte, error)

	// Unmarshal decodes data, which holds exactly one value, into the value that into points to; into must be a non-nil
	// pointer. It first clears the exported fields of that value (all of it if it is no struct), also before it returns
	// an error about data, so what data does not mention is zero. Unknown fields are ignored, times are in UTC, and a
	// nil within a struct, a list or a map is a zero value. In an any, integers are int64, or uint64 if too large, and
	// other numbers are float64. Data is refused if it nests deeper than 64 levels, or if it would take more than 64
	// times its size plus 1 MiB in memory.
	Unmarshal(data []byte, into any) error
}

var (
	// MsgPack is the codec of application/msgpack, the default. It refuses a map with a duplicate key. An integer may
	// be a float of the same value, which is how JavaScript sends a large one, and as the key of a map its digits, as objects of
	// JavaScript have no keys but texts; nothing else is converted. In an any,
	// bytes are a []byte, a timestamp is a time.Time, and maps need strings as keys. With omitempty, it also omits a
	// pointer to a value whose IsZero method returns true, such as the zero time.Time.
	//
	// Equal values of one type are the same bytes: a map is written in the order of its keys, texts by their bytes, others by
	// those of their encodings. What types with methods of their own write is theirs. Maps are read in any order.
	MsgPack Codec = msgpackCodec{}

	// JSON is the codec of application/json. It encodes and decodes as encoding/json does, but does not escape HTML. In
	// an any, a number with a fraction or an exponent is a float64.
	JSON Codec = jsonCodec{}
)

// ErrContentType is the error of [ForContentType] for an unknown content type.
var ErrContentType = errors.New("unknown content type")

// ForContentType returns the codec of a content type. Case does not matter, nor do parameters other than charset, which
// must be UTF-8. An empty content type is [MsgPack]. The error for any other wraps [ErrContentType].
func ForContentType(contentType string) (Codec, error) {
	mediaType, parameters, _ := strings.Cut(contentType, ";")
	mediaType = strings.TrimSpace(mediaType)
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, charset, _ := strings.Cut(parameter, "=")
		charset = strings.Trim(strings.TrimSpace(charset), `"`)
		if strings.EqualFold(strings.TrimSpace(name), "charset") && !strings.EqualFold(charset, "utf-8") {
			return nil, fmt.Errorf("%w: text is in UTF-8, not in %s", ErrContentType, quote([]byte(charset)))
		}
	}
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

// Check returns why values of a type cannot be encoded, or could not be decoded again, as far as the type tells. The
// error names the place.
func Check(t reflect.Type) error { return planOf(t).err }
