package codec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/vmihailenco/msgpack/v5"
)

// Schemas are the JSON Schemas (draft 2020-12) of types, as values of them are in JSON. Structs with a name are definitions, which
// the others refer to as #/$defs/NAME. The zero value is ready for use. It is not safe for concurrent use.
//
// What a schema allows decodes, but for integers that do not fit their type. Decoding allows more: a field that is missing is zero,
// and so is a null. A field is required unless it is tagged omitempty; a tag jsonschema:"..." is its description. A type that
// encodes itself may be anything, or any text if it has MarshalText.
//
// Where a value is something else in msgpack, as an array of bytes is, x-msgpack is its schema in that encoding.
type Schemas struct {
	names map[reflect.Type]string
	defs  []definition
}

type definition struct {
	name string
	data []byte
}

// Of returns the schema of a type, which is null for a *struct{}. The error is that of [Check], or says why the type has no form in JSON.
func (s *Schemas) Of(t reflect.Type) (json.RawMessage, error) {
	if t == nothingType {
		return json.RawMessage(`{"type":"null"}`), nil
	}
	p := planOf(t)
	if p.err != nil {
		return nil, p.err
	}
	if p.noJSON != nil {
		return nil, p.noJSON
	}
	return s.append(nil, t), nil
}

// Defs returns the definitions that the schemas so far refer to: an object, by name.
func (s *Schemas) Defs() json.RawMessage {
	out := []byte{'{'}
	for i, one := range s.defs {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendJSON(out, one.name), ':')
		out = append(out, one.data...)
	}
	return append(out, '}')
}

var (
	nothingType    = reflect.TypeFor[*struct{}]()
	rawMessageType = reflect.TypeFor[json.RawMessage]()
	rawMsgpackType = reflect.TypeFor[msgpack.RawMessage]()
)

// schemasOfKinds are those that need no more than the kind. Integers of 64 bits have no bounds, which few could express.
var schemasOfKinds = map[reflect.Kind]string{
	reflect.Bool:      `{"type":"boolean"}`,
	reflect.String:    `{"type":"string"}`,
	reflect.Float32:   `{"type":"number"}`,
	reflect.Float64:   `{"type":"number"}`,
	reflect.Int:       `{"type":"integer","format":"int64"}`,
	reflect.Int8:      `{"type":"integer","minimum":-128,"maximum":127}`,
	reflect.Int16:     `{"type":"integer","minimum":-32768,"maximum":32767}`,
	reflect.Int32:     `{"type":"integer","minimum":-2147483648,"maximum":2147483647}`,
	reflect.Int64:     `{"type":"integer","format":"int64"}`,
	reflect.Uint:      `{"type":"integer","format":"uint64","minimum":0}`,
	reflect.Uint8:     `{"type":"integer","minimum":0,"maximum":255}`,
	reflect.Uint16:    `{"type":"integer","minimum":0,"maximum":65535}`,
	reflect.Uint32:    `{"type":"integer","minimum":0,"maximum":4294967295}`,
	reflect.Uint64:    `{"type":"integer","format":"uint64","minimum":0}`,
	reflect.Interface: `{}`,
}

func (s *Schemas) append(out []byte, t reflect.Type) []byte {
	out = s.appendInJSON(out, t)
	if other := schemaInMsgpack(t); other != "" {
		out = withKeyword(out, "x-msgpack", other)
	}
	return out
}

// withKeyword adds a keyword to the schema that ends here.
func withKeyword(schema []byte, keyword, value string) []byte {
	comma := ","
	if bytes.HasSuffix(schema, []byte("{}")) {
		comma = ""
	}
	return fmt.Appendf(schema[:len(schema)-1], `%s%q:%s}`, comma, keyword, value)
}

const (
	textSchema  = `{"type":"string"}`
	bytesSchema = `{"type":"string","contentEncoding":"base64"}`
)

// schemaInMsgpack is that of a type which is something else in msgpack than in JSON, or empty.
func schemaInMsgpack(t reflect.Type) string {
	switch {
	case t == timeType || t == rawMsgpackType || t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface:
		return ""
	case t == rawMessageType:
		return bytesSchema
	}
	switch encodes(t) {
	case binaryMethods:
		return bytesSchema
	case textMethods:
		if reflect.PointerTo(t).Implements(jsonMarshaler) {
			return textSchema // in JSON it may be anything
		}
		return ""
	case noMethods:
		if t.Kind() == reflect.Array && t.Elem().Kind() == reflect.Uint8 {
			return bytesSchema
		}
		return ""
	default:
		return `{}`
	}
}

func (s *Schemas) appendInJSON(out []byte, t reflect.Type) []byte {
	switch t {
	case timeType:
		return append(out, `{"type":"string","format":"date-time"}`...)
	case rawMessageType, rawMsgpackType:
		return append(out, `{}`...)
	}
	if t.Kind() != reflect.Pointer && t.Kind() != reflect.Interface && !isPlainJSON(t) {
		if reflect.PointerTo(t).Implements(jsonMarshaler) {
			return append(out, `{}`...)
		}
		return append(out, textSchema...)
	}
	if t.Kind() == reflect.Struct && !isPlain(t) {
		return append(out, `{}`...)
	}
	if known, ok := schemasOfKinds[t.Kind()]; ok {
		return append(out, known...)
	}
	switch t.Kind() {
	case reflect.Pointer:
		out = s.append(append(out, `{"anyOf":[`...), t.Elem())
		return append(out, `,{"type":"null"}]}`...)
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return append(out, bytesSchema...)
		}
		return append(s.append(append(out, `{"type":"array","items":`...), t.Elem()), '}')
	case reflect.Array:
		out = s.append(append(out, `{"type":"array","items":`...), t.Elem())
		return fmt.Appendf(out, `,"minItems":%d,"maxItems":%d}`, t.Len(), t.Len())
	case reflect.Map:
		out = s.append(append(out, `{"type":"object","additionalProperties":`...), t.Elem())
		if isPlainJSON(t.Key()) && t.Key().Kind() != reflect.String {
			out = append(out, `,"propertyNames":{"pattern":"^-?[0-9]+$"}`...)
		}
		return append(out, '}')
	}
	return s.appendStruct(out, t)
}

// appendStruct appends a reference to the definition of a struct, and adds that, or the schema itself if the struct has no name.
func (s *Schemas) appendStruct(out []byte, t reflect.Type) []byte {
	if t.Name() == "" {
		return s.appendFields(out, t)
	}
	name, known := s.names[t]
	if !known {
		if s.names == nil {
			s.names = make(map[reflect.Type]string)
		}
		name = s.nameOf(t)
		s.names[t] = name // it may hold itself
		at := len(s.defs)
		s.defs = append(s.defs, definition{name: name})
		s.defs[at].data = s.appendFields(nil, t)
	}
	return append(appendJSON(append(out, `{"$ref":`...), "#/$defs/"+name), '}')
}

// nameOf is a name that no other type has. That of a generic type has those of its arguments in it, without their packages.
func (s *Schemas) nameOf(t reflect.Type) string {
	var clean strings.Builder
	for part := range strings.FieldsFuncSeq(t.Name(), func(r rune) bool { return strings.ContainsRune("[], *", r) }) {
		part = part[strings.LastIndexByte(part, '/')+1:]
		part = part[strings.LastIndexByte(part, '.')+1:]
		if clean.Len() > 0 {
			clean.WriteByte('_')
		}
		clean.WriteString(part)
	}
	name := clean.String()
	for n := 2; slices.ContainsFunc(s.defs, func(d definition) bool { return d.name == name }); n++ {
		name = clean.String() + strconv.Itoa(n)
	}
	return name
}

func (s *Schemas) appendFields(out []byte, t reflect.Type) []byte {
	out = append(out, `{"type":"object","properties":{`...)
	var required []string
	for i, f := range planOf(t).fields {
		if i > 0 {
			out = append(out, ',')
		}
		field := t.FieldByIndex(f.index)
		out = s.appendField(append(appendJSON(out, f.name), ':'), field)
		if text := field.Tag.Get("jsonschema"); text != "" {
			out = withKeyword(out, "description", string(appendJSON(nil, text)))
		}
		if !f.omitEmpty && !hasOption(field, "omitzero") && !throughPointer(t, f.index) {
			required = append(required, f.name)
		}
	}
	out = append(out, '}')
	if len(required) > 0 {
		out = appendJSON(append(out, `,"required":`...), required)
	}
	return append(out, '}')
}

// appendField appends the schema of a field. JSON has it as a text if its tag says so.
func (s *Schemas) appendField(out []byte, field reflect.StructField) []byte {
	t := field.Type
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	own, plain := schemasOfKinds[t.Kind()]
	if t.Kind() == reflect.Interface || !plain || !isPlain(t) || !isPlainJSON(t) || !hasOption(field, "string") {
		return s.append(out, field.Type)
	}
	text := textSchema
	if t != field.Type {
		const orNull = `{"anyOf":[%s,{"type":"null"}]}`
		own, text = fmt.Sprintf(orNull, own), fmt.Sprintf(orNull, text)
	}
	return withKeyword(append(out, text...), "x-msgpack", own)
}

func hasOption(f reflect.StructField, option string) bool {
	_, options, _ := parseTag(f) // compiling its struct has
	return slices.Contains(options, option)
}

// throughPointer reports whether a field is that of an embedded struct that may be nil.
func throughPointer(t reflect.Type, index []int) bool {
	for _, i := range index[:len(index)-1] {
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if t = t.Field(i).Type; t.Kind() == reflect.Pointer {
			return true
		}
	}
	return false
}

func appendJSON(out []byte, v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		return append(out, "null"...) // texts and lists of them have an encoding
	}
	return append(out, data...)
}
