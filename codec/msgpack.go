package codec

import "reflect"

// msgpackCodec encodes and decodes as vmihailenco/msgpack does, but by itself. That library trusts declared lengths
// (vmihailenco/msgpack#401), turns -1 into a large uint64, panics for a nil time.Time, decodes other types into an any, and
// encodes most maps in another order each time. It encodes the types that have methods for it.
type msgpackCodec struct{}

func (msgpackCodec) ContentType() string { return "application/msgpack" }

func (msgpackCodec) Append(dst []byte, v any) (out []byte, err error) {
	if data, ok := v.([]byte); ok && data != nil { // needs no plan
		return AppendBytes(dst, data), nil
	}
	p, err := encodable(v)
	if p == nil || err != nil {
		return dst, err
	}
	if p.nests && v != nil {
		if err := checkNesting(reflect.ValueOf(v), 0, 0); err != nil {
			return dst, err
		}
	}
	if p.omits && v != nil {
		if err := checkOmitted(v); err != nil {
			return dst, err
		}
	}
	w := writers.Get().(*writer)
	w.out = dst
	if err := w.encode(v, p); err != nil {
		return dst, err
	}
	out = w.out
	w.put()
	if err := checkAgain(out[len(dst):], v, p); err != nil {
		return dst, err
	}
	return out, nil
}

// encode appends the encoding of a value.
func (w *writer) encode(v any, p *plan) (err error) {
	defer recovered("encoding", &err)
	if v == nil {
		w.out = append(w.out, codeNil)
		return nil
	}
	return p.encode(w, reflect.ValueOf(v))
}

func (msgpackCodec) Unmarshal(data []byte, into any) error {
	switch into := into.(type) { // these need no plan
	case **struct{}:
		if into != nil {
			return unmarshalNothing(data, into)
		}
	case *[]byte:
		if into != nil {
			return unmarshalBytes(data, into)
		}
	}
	v, p, err := target(into)
	if err != nil {
		return err
	}
	return unmarshal(data, v, p)
}

func unmarshalBytes(data []byte, into *[]byte) error {
	*into = nil
	if len(data) == 0 {
		return errEmpty
	}
	var r reader
	r.reset(data)
	found, err := r.bytes()
	if err == nil {
		err = r.end()
	}
	if err == nil {
		*into = found
	}
	return err
}

func unmarshalNothing(data []byte, none **struct{}) error {
	*none = nil
	if len(data) == 0 || len(data) == 1 && data[0] == codeNil {
		return nil
	}
	var r reader
	r.reset(data)
	t, err := r.next()
	if err != nil {
		return err
	}
	if t.kind == kindNil {
		return r.end()
	}
	return wrongKind("nothing", t)
}
