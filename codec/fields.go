package codec

import (
	"fmt"
	"reflect"
	"slices"
)

// field is a field of a struct or of a struct that it embeds.
type field struct {
	name      string
	index     []int
	plan      *plan
	omitEmpty bool
	zeroes    bool // its type says itself what is nothing
}

// existing returns the field within v, unless it is in an embedded struct whose pointer is nil.
func (f *field) existing(v reflect.Value) (reflect.Value, bool) {
	if len(f.index) == 1 {
		return v.Field(f.index[0]), true
	}
	found, err := v.FieldByIndexErr(f.index)
	return found, err == nil
}

// clear sets the field to zero, unless it is in an embedded struct whose pointer is nil.
func (f *field) clear(v reflect.Value) {
	if existing, ok := f.existing(v); ok {
		existing.SetZero()
	}
}

// made returns the field within v, and allocates the embedded structs on the way.
func (f *field) made(v reflect.Value) reflect.Value {
	for i, index := range f.index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(index)
	}
	return v
}

// structFields collects the fields of a struct under the names that vmihailenco/msgpack writes. Structs for which that
// and encoding/json differ are refused.
func (c *compiler) structFields(t reflect.Type) ([]field, error) {
	fields := []field{} // not nil: a struct without fields is a struct
	if err := c.addFields(&fields, t, nil, nil); err != nil {
		return nil, err
	}
	if len(fields) == 0 && hidesAll(t) {
		return nil, faultf("%s has no exported fields and no methods that encode it: all that it holds would be lost", t)
	}
	return fields, nil
}

// noteOmission notes what to check for a field that is left out when it is empty.
func (c *compiler) noteOmission(t reflect.Type, omits bool) error {
	if !omits {
		return nil
	}
	checked, refused := omission(t)
	c.sparse, c.omits = true, c.omits || checked
	return refused
}

// hidesAll reports whether a struct without encoded fields has others, that are not left out on purpose.
func hidesAll(t reflect.Type) bool {
	for f := range t.Fields() {
		if f.Name != "_" && f.Tag.Get(structTag) != "-" && !isApart(f.Type) {
			return true
		}
	}
	return false
}

//nolint:gocognit // one rule of the encoder after the other
func (c *compiler) addFields(fields *[]field, t reflect.Type, at []int, through []reflect.Type) error {
	if slices.Contains(through, t) {
		return fmt.Errorf("%s embeds itself", t)
	}
	through = append(through, t)
	omitsAll := false // the msgpack encoder takes that from the tag of a field with this name
	if f, ok := t.FieldByName("_msgpack"); ok {
		_, options, err := parseTag(f)
		if err != nil {
			return err
		}
		omitsAll = slices.Contains(options, "omitempty")
	}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, err := parseTag(f)
		if err != nil {
			return err
		}
		if name == "-" || !f.IsExported() && !f.Anonymous || c.leaveOut(f.Type) {
			continue
		}
		index := append(slices.Clone(at), i)
		if f.Anonymous && !slices.Contains(options, "noinline") {
			inner, inlined, err := embedded(f, name)
			if err != nil {
				return err
			}
			if inlined {
				before := len(*fields)
				if err := c.addFields(fields, inner, index, through); err != nil {
					return within("."+f.Name, err)
				}
				if len(*fields) == before && f.IsExported() && hidesAll(inner) {
					return within("."+f.Name, faultf("%s has no exported fields: to lose it, make it a lower-case field", inner))
				}
				continue
			}
		}
		if !f.IsExported() {
			return fmt.Errorf("its embedded %s is unexported and not a struct", f.Name)
		}
		if name == "" {
			name = f.Name
		}
		if slices.ContainsFunc(*fields, func(other field) bool { return other.name == name }) {
			return fmt.Errorf("%s has two fields named %s", t, name)
		}
		p, err := c.compile(f.Type)
		if err != nil {
			return within("."+f.Name, err)
		}
		omits := omitsAll || slices.Contains(options, "omitempty")
		if err := c.noteOmission(f.Type, omits); err != nil {
			return within("."+f.Name, err)
		}
		*fields = append(*fields, field{name, index, p, omits, f.Type.Implements(zeroerType)})
	}
	return nil
}

// leaveOut reports whether fields of a type are kept apart, and counts them.
func (c *compiler) leaveOut(t reflect.Type) bool {
	if !isApart(t) {
		return false
	}
	c.apart++
	return true
}

// embedded reports whether the fields of an embedded field belong to the struct around it, and which type has them.
func embedded(f reflect.StructField, name string) (inner reflect.Type, inlined bool, err error) {
	inner = f.Type
	if inner.Kind() == reflect.Pointer {
		inner = inner.Elem()
	}
	switch {
	case inner.Kind() != reflect.Struct || inner == timeType || !isPlain(inner):
		return nil, false, nil
	case name != "":
		return nil, false, fmt.Errorf("embedded %s: to give it a name, tag it `json:\"%s,noinline\"`", f.Name, name)
	case inner != f.Type && !f.IsExported():
		return nil, false, fmt.Errorf("embedded %s: a pointer to an unexported struct cannot be set", f.Name)
	}
	return inner, true, nil
}
