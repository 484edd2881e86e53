package codec

import (
	"encoding"
	"encoding/json"
	"reflect"

	"github.com/vmihailenco/msgpack/v5"
)

var methodsThatDecode = []struct {
	of     reflect.Type
	decode decodeFunc
}{ // in the order in which the msgpack encoder looks for their counterparts
	{reflect.TypeFor[msgpack.CustomDecoder](), decodeCustom},
	{reflect.TypeFor[msgpack.Unmarshaler](), decodeUnmarshaler},
	{reflect.TypeFor[encoding.BinaryUnmarshaler](), decodeBinary},
	{reflect.TypeFor[encoding.TextUnmarshaler](), decodeText},
}

var methodsThatEncode = []reflect.Type{
	reflect.TypeFor[msgpack.CustomEncoder](), reflect.TypeFor[msgpack.Marshaler](),
	reflect.TypeFor[encoding.BinaryMarshaler](), reflect.TypeFor[encoding.TextMarshaler](),
}

// The kinds of methods, as in methodsThatDecode and methodsThatEncode.
var methodKinds = []string{"EncodeMsgpack", "MarshalMsgpack", "MarshalBinary", "MarshalText"}

const noMethods, binaryMethods, textMethods = -1, 2, 3

// checkMethods refuses a type whose methods encode what nothing decodes, or decode what nothing encodes. Without this it
// would be written, and found out when it is read. noJSON says why a type has no form in JSON, if it has none.
func checkMethods(t reflect.Type) (noJSON, err error) {
	if t.Kind() == reflect.Interface || t.Kind() == reflect.Pointer || t == reflect.TypeFor[json.RawMessage]() {
		return nil, nil // in msgpack, a json.RawMessage is bytes
	}
	writes, reads := encodes(t), decodes(t)
	p := reflect.PointerTo(t)
	toJSON, fromJSON := p.Implements(jsonMarshaler), p.Implements(jsonUnmarshaler)
	switch {
	case writes < 0 && reads < 0 && (toJSON || fromJSON):
		return nil, faultf("%s has methods for JSON but none for msgpack: give it MarshalText and UnmarshalText", t)
	case writes < 0 && reads >= 0:
		return nil, faultf("%s has a method to decode it but no %s", t, methodKinds[reads])
	case writes >= 0 && reads != writes:
		return nil, faultf("%s has %s but no method to undo it", t, methodKinds[writes])
	case toJSON != fromJSON && writes != textMethods:
		return nil, faultf("%s has one of MarshalJSON and UnmarshalJSON only", t)
	}
	hasText := p.Implements(methodsThatEncode[textMethods]) && p.Implements(methodsThatDecode[textMethods].of)
	if writes >= 0 && !toJSON && !hasText && t.Kind() == reflect.Struct {
		noJSON = faultf("%s has methods for msgpack but none for JSON: give it MarshalText and UnmarshalText", t)
	}
	return noJSON, nil
}

// encodes returns the first of methodsThatEncode that the encoder finds, or noMethods. It looks at values before pointers.
func encodes(t reflect.Type) int {
	for _, t := range []reflect.Type{t, reflect.PointerTo(t)} {
		for i, method := range methodsThatEncode {
			if t.Implements(method) {
				return i
			}
		}
	}
	return noMethods
}

// decodes returns the first of methodsThatDecode that a type has, or noMethods.
func decodes(t reflect.Type) int {
	for i, method := range methodsThatDecode {
		if reflect.PointerTo(t).Implements(method.of) {
			return i
		}
	}
	return noMethods
}

// customDecoder returns the function for a type with a method that decodes it, or nil.
func customDecoder(t reflect.Type) decodeFunc {
	if t.Kind() == reflect.Interface || t.Kind() == reflect.Pointer {
		return nil
	}
	if i := decodes(t); i >= 0 {
		return methodsThatDecode[i].decode
	}
	return nil
}

// isPlain reports whether a type has no methods for its msgpack encoding.
func isPlain(t reflect.Type) bool {
	for _, method := range methodsThatEncode {
		if reflect.PointerTo(t).Implements(method) {
			return false
		}
	}
	return customDecoder(t) == nil
}

var (
	jsonMarshaler   = reflect.TypeFor[json.Marshaler]()
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
)

// isPlainJSON reports whether a type has no methods for decoding it from JSON.
func isPlainJSON(t reflect.Type) bool {
	return !reflect.PointerTo(t).Implements(jsonUnmarshaler) &&
		!reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}
