package codec

import "reflect"

// Update decodes msgpack like MsgPack.Unmarshal, except that a struct field that is missing in data stays as it is: the
// writer did not know it. A missing field with omitempty becomes zero, because that is how its zero is written. Update
// is for data that outlives the struct that wrote it. Structs within the struct are decoded as a whole.
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

// clearWritten sets to zero the fields that data has, or omits because they are zero.
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
		return // unmarshal will report it
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
