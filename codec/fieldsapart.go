package codec

import (
	"errors"
	"reflect"
)

// FieldApart is a field that is kept apart.
type FieldApart struct {
	Name  string // that it would have in the encoding
	Index []int  // for [reflect.Value.FieldByIndex]
}

// FieldsApart returns the fields of a struct type that are kept apart, also those of structs that it embeds. The error says that
// there is one elsewhere within it, or that the type has no encoding.
func FieldsApart(t reflect.Type) ([]FieldApart, error) {
	p := planOf(t)
	if p.err != nil || p.apart == 0 {
		return nil, p.err
	}
	var found []FieldApart
	if t.Kind() != reflect.Struct {
		t = reflect.TypeFor[struct{}]()
	}
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := parseTag(f); isApart(f.Type) && f.IsExported() && name != "-" { // compiling has parsed it
			if name == "" {
				name = f.Name
			}
			found = append(found, FieldApart{name, f.Index})
		}
	}
	if len(found) != p.apart {
		return nil, errors.New("what is kept apart must be a field of the struct itself, not of one within it")
	}
	return found, nil
}
