package actorhost

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"github.com/troupe-go/troupe"
)

// maxShape is how many bytes of a shape an error shows, and maxShapeDepth how far it looks into one.
const maxShape, maxShapeDepth = 400, 3

var (
	textType   = reflect.TypeFor[encoding.TextMarshaler]()
	jsonType   = reflect.TypeFor[json.Marshaler]()
	timeType   = reflect.TypeFor[time.Time]()
	nothing    = reflect.TypeFor[troupe.None]()
	bytesType  = reflect.TypeFor[[]byte]()
	oneOfKinds = map[reflect.Kind]string{
		reflect.Bool: "true or false", reflect.String: "text", reflect.Float32: "number", reflect.Float64: "number",
	}
)

// shapeOf says in plain words what a value of the type looks like, such as {"sku": text, "count": whole number}.
func shapeOf(t reflect.Type) string {
	s := shape{most: maxShape}
	s.add(t, maxShapeDepth)
	if text := s.String(); len(text) <= maxShape {
		return text
	}
	return strings.ToValidUTF8(s.String()[:maxShape], "") + "..."
}

// inputShape is shapeOf for two inputs to be compared: it looks as far into them as it is worth while.
func inputShape(t reflect.Type) string {
	const most, depth = 64 << 10, 16
	s := shape{most: most}
	s.add(t, depth)
	return s.String()
}

type shape struct {
	strings.Builder
	most int // bytes, from which on nothing is added
}

func (s *shape) add(t reflect.Type, depth int) {
	for t != nothing && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	word, known := oneOfKinds[t.Kind()]
	switch {
	case s.Len() > s.most:
	case t == nothing:
		s.WriteString("nothing")
	case t == timeType:
		s.WriteString("time")
	case t.Implements(textType) || reflect.PointerTo(t).Implements(textType):
		s.WriteString("text")
	case t.Implements(jsonType) || reflect.PointerTo(t).Implements(jsonType) || t.Kind() == reflect.Interface:
		s.WriteString("anything")
	case t == bytesType:
		s.WriteString("bytes")
	case known:
		s.WriteString(word)
	case reflect.Int <= t.Kind() && t.Kind() <= reflect.Int64:
		s.WriteString("whole number")
	case reflect.Uint <= t.Kind() && t.Kind() <= reflect.Uint64:
		s.WriteString("whole number from 0")
	default:
		s.addOfParts(t, depth)
	}
}

// addOfParts adds a type whose values have others in them.
func (s *shape) addOfParts(t reflect.Type, depth int) {
	switch {
	case depth == 0:
		s.WriteString("...")
	case t.Kind() == reflect.Slice || t.Kind() == reflect.Array:
		s.WriteString("list of ")
		s.add(t.Elem(), depth-1)
	case t.Kind() == reflect.Map:
		s.WriteString("map of text to ")
		s.add(t.Elem(), depth-1)
	case t.Kind() == reflect.Struct:
		s.WriteString("{")
		s.addFields(t, depth-1)
		s.WriteString("}")
	}
}

func (s *shape) addFields(t reflect.Type, depth int) {
	for _, field := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		embedded := field.Anonymous && name == "" // its own fields follow
		if embedded || !field.IsExported() || name == "-" || s.Len() > s.most {
			continue
		}
		if name == "" {
			name = field.Name
		}
		if !strings.HasSuffix(s.String(), "{") {
			s.WriteString(", ")
		}
		s.WriteString(`"` + name + `": `)
		s.add(field.Type, depth)
	}
}
