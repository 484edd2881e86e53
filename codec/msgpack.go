package codec

import (
	"reflect"
	"sync"

	"github.com/vmihailenco/msgpack/v5"
)

// structTag is the tag that names fields.
const structTag = "json"

// msgpackCodec encodes with vmihailenco/msgpack, but decodes by itself. That library trusts declared lengths
// (vmihailenco/msgpack#401), turns -1 into a large uint64, panics for a nil time.Time, and decodes other types into an
// any.
type msgpackCodec struct{}

func (msgpackCodec) ContentType() string { return "application/msgpack" }

// appender is an encoder that appends to a slice.
type appender struct {
	encoder *msgpack.Encoder
	out     []byte
}

func (a *appender) Write(p []byte) (int, error) {
	a.out = append(a.out, p...)
	return len(p), nil
}

func (a *appender) WriteByte(b byte) error {
	a.out = append(a.out, b)
	return nil
}

var appenders = sync.Pool{New: func() any { return &appender{encoder: msgpack.NewEncoder(nil)} }}

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
	a := appenders.Get().(*appender)
	a.out = dst
	// The options are set each time: Reset clears them, and a type's own EncodeMsgpack may have changed them.
	a.encoder.Reset(a)
	a.encoder.SetCustomStructTag(structTag)
	a.encoder.UseCompactInts(true)
	a.encoder.SetSortMapKeys(true)
	if err := encode(a.encoder, v); err != nil {
		return dst, err // the encoder may be in any state: it is not reused
	}
	out, a.out = a.out, nil
	appenders.Put(a)
	if err := checkAgain(out[len(dst):], v, p); err != nil {
		return dst, err
	}
	return out, nil
}

func encode(e *msgpack.Encoder, v any) (err error) {
	defer recovered("encoding", &err)
	return e.Encode(v)
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
