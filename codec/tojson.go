package codec

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math"
	"strconv"
	"time"
)

// ToJSON converts one msgpack value of any type to JSON, for people and scripts. Integers are exact and entries keep
// their order. What JSON lacks becomes a string: bytes are base64, a timestamp is RFC 3339 in UTC, a float that is no
// number is "NaN", "Infinity" or "-Infinity", and a key that is no string is its JSON text. Any other extension becomes
// {"ext": type, "data": base64}. It is an error if the value is invalid, nests deeper than 64 levels, or has a map with
// a duplicate key or with an array, a map or another extension as a key.
func ToJSON(msgpack []byte) ([]byte, error) {
	if len(msgpack) == 0 {
		return nil, errEmpty
	}
	var j transcoder
	j.reset(msgpack)
	if err := j.value(); err != nil {
		return nil, err
	}
	return j.out.Bytes(), j.end()
}

type transcoder struct {
	reader
	out bytes.Buffer
}

func (j *transcoder) value() error {
	t, err := j.next()
	if err != nil {
		return err
	}
	switch t.kind {
	case kindNil:
		j.out.WriteString("null")
	case kindBool:
		j.out.WriteString(strconv.FormatBool(t.bits == 1))
	case kindInt:
		j.out.WriteString(strconv.FormatInt(int64(t.bits), 10))
	case kindUint:
		j.out.WriteString(strconv.FormatUint(t.bits, 10))
	case kindFloat32, kindFloat64:
		return j.float(t)
	case kindString:
		return j.text(string(t.body))
	case kindBytes:
		return j.text(base64.StdEncoding.EncodeToString(t.body))
	case kindArray:
		return j.array(int(t.bits))
	case kindMap:
		return j.object(int(t.bits))
	case kindExt:
		return j.extension(t)
	}
	return nil
}

func (j *transcoder) float(t token) error {
	f := math.Float64frombits(t.bits)
	switch {
	case math.IsNaN(f):
		return j.text("NaN")
	case math.IsInf(f, 1):
		return j.text("Infinity")
	case math.IsInf(f, -1):
		return j.text("-Infinity")
	case t.kind == kindFloat32:
		return j.encode(float32(f)) // so that it gets no extra digits
	}
	return j.encode(f)
}

func (j *transcoder) text(s string) error { return j.encode(s) }

// encode writes a string or a number.
func (j *transcoder) encode(v any) error {
	e := json.NewEncoder(&j.out)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	j.out.Truncate(j.out.Len() - 1) // the newline
	return err
}

func (j *transcoder) array(count int) error {
	if err := j.enter(); err != nil {
		return err
	}
	j.out.WriteByte('[')
	for i := range count {
		if i > 0 {
			j.out.WriteByte(',')
		}
		if err := j.value(); err != nil {
			return withinIndex(i, err)
		}
	}
	j.out.WriteByte(']')
	j.depth--
	return nil
}

func (j *transcoder) object(count int) error {
	if err := j.enter(); err != nil {
		return err
	}
	seen := make(map[string]struct{}, count)
	j.out.WriteByte('{')
	for i := range count {
		if i > 0 {
			j.out.WriteByte(',')
		}
		key, err := j.key()
		if err != nil {
			return err
		}
		if _, ok := seen[key]; ok {
			return within("["+quote([]byte(key))+"]", faultf("there twice"))
		}
		seen[key] = struct{}{}
		j.out.WriteByte(':')
		if err := j.value(); err != nil {
			return within("["+quote([]byte(key))+"]", err)
		}
	}
	j.out.WriteByte('}')
	j.depth--
	return nil
}

// key writes a key as a string, and returns what it wrote.
func (j *transcoder) key() (string, error) {
	start, at := j.out.Len(), j.pos
	t, err := j.next()
	if err != nil {
		return "", err
	}
	// The text of keys within keys would be escaped again at each level, and so double in length.
	if t.kind == kindArray || t.kind == kindMap || t.kind == kindExt && t.ext != timestampExt {
		return "", wrongKind("a simple value as the key of a map", t)
	}
	j.pos = at
	if err := j.value(); err != nil {
		return "", err
	}
	if text := j.out.Bytes()[start:]; text[0] != '"' {
		unquoted := string(text)
		j.out.Truncate(start)
		if err := j.text(unquoted); err != nil {
			return "", err
		}
	}
	return string(j.out.Bytes()[start:]), nil
}

func (j *transcoder) extension(t token) error {
	if t.ext == timestampExt {
		at, err := t.time()
		if err != nil {
			return err
		}
		return j.text(at.Format(time.RFC3339Nano))
	}
	j.out.WriteString(`{"ext":` + strconv.Itoa(int(t.ext)) + `,"data":`)
	err := j.text(base64.StdEncoding.EncodeToString(t.body))
	j.out.WriteByte('}')
	return err
}
