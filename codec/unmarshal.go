package codec

import (
	"reflect"
	"sync"
)

var readers = sync.Pool{New: func() any { return new(reader) }}

// unmarshal decodes into v. The fields of v that data may set must be zero.
func unmarshal(data []byte, v reflect.Value, p *plan) (err error) {
	if len(data) == 0 {
		return errEmpty
	}
	if data[0] == codeNil && !acceptsNil(v.Type()) {
		return faultf("expected %s, got nil", v.Type())
	}
	defer recovered("decoding", &err)
	r := readers.Get().(*reader)
	r.reset(data)
	err = p.decode(r, v)
	if err == nil {
		err = r.end()
	}
	if err != nil {
		p.clear(v)
	}
	r.data = nil
	readers.Put(r)
	return err
}
