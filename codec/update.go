package codec

import "reflect"

// Update decodes msgpack as MsgPack.Unmarshal does, except that a field of the struct which data lacks stays as it is:
// the writer did not know it. A field with omitempty becomes zero, for that is how its zero is written. It is for data
// that outlives the struct by which it was written. Structs within the struct are decoded as a whole.
func Update(data []byte, into any) error {
	v, p, err := destination(into)
	if err != nil {
		return err
	}
	if p.fields == nil {
		return MsgPack.Unmarshal(data, into)
	}
	p.clearWritten(data, v)
	return unmarshal(data, v, p)
}

// clearWritten sets to zero the fields that data has or that it leaves out because they are zero.
func (p *plan) clearWritten(data []byte, v reflect.Value) {
	for i := range p.fields {
		if f := &p.fields[i]; f.omitEmpty {
			f.clear(v)
		}
	}
	var r reader
	r.reset(data)
	head, err := r.next()
	if err != nil || head.kind != kindMap {
		return // which unmarshal will tell
	}
	for range head.bits {
		name, err := r.next()
		if err != nil {
			return
		}
		for i := range p.fields {
			if f := &p.fields[i]; name.kind == kindString && f.name == string(name.body) {
				f.clear(v)
			}
		}
		if _, err := r.skip(); err != nil {
			return
		}
	}
}

// clear sets the field to zero, unless it is in an embedded struct that is a nil pointer.
func (f *field) clear(v reflect.Value) {
	if existing, ok := f.existing(v); ok {
		existing.SetZero()
	}
}
