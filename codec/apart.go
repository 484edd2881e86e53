package codec

import "reflect"

// Apart marks a type whose values are kept apart from what is around them: a struct that has it as its first field. Fields of such
// a type are no part of the encoding of their struct.
type Apart struct{}

func isApart(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t.NumField() > 0 && t.Field(0).Type == reflect.TypeFor[Apart]()
}
