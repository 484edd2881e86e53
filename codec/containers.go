package codec

import (
	"math"
	"reflect"
	"strconv"
)

// structPlan decodes a struct.
type structPlan struct {
	typ    reflect.Type
	fields []field
	byName map[string]int
}

func (c *compiler) structDecoder(t reflect.Type, p *plan) (decodeFunc, error) {
	fields, err := c.structFields(t)
	if err != nil {
		return nil, err
	}
	p.fields = fields
	s := &structPlan{t, fields, make(map[string]int, len(fields))}
	for i := range fields {
		s.byName[fields[i].name] = i
	}
	return s.decode, nil
}

func (s *structPlan) decode(r *reader, v reflect.Value) error {
	t, err := r.next()
	switch {
	case err != nil || t.kind == kindNil:
		return err
	case t.kind != kindMap:
		return wrongKind("a map for "+s.typ.String(), t)
	}
	if err := r.enter(); err != nil {
		return err
	}
	var few [1]uint64
	seen := few[:] // one bit per field
	if len(s.fields) > 64 {
		seen = make([]uint64, len(s.fields)/64+1)
	}
	expected := 0
	for range t.bits {
		name, err := r.next()
		if err != nil {
			return err
		}
		if name.kind != kindString {
			return wrongKind("the name of a field of "+s.typ.String(), name)
		}
		i := s.find(name.body, expected)
		if i < 0 {
			if _, err := r.skip(); err != nil {
				return within(unknownStep(name.body), err)
			}
			continue
		}
		expected = i + 1
		f := &s.fields[i]
		if seen[i/64]&(1<<(i%64)) != 0 {
			return within("."+f.name, faultf("there twice"))
		}
		seen[i/64] |= 1 << (i % 64)
		if err := f.decode(r, v); err != nil {
			return within("."+f.name, err)
		}
	}
	r.depth--
	return nil
}

func (f *field) decode(r *reader, v reflect.Value) error {
	if len(f.index) == 1 {
		return f.plan.decode(r, v.Field(f.index[0]))
	}
	if r.peekNil() { // a nil must not allocate an embedded struct
		r.pos++
		return nil
	}
	return f.plan.decode(r, f.made(v))
}

// find returns the index of a field, or -1. Most senders write fields in order.
func (s *structPlan) find(name []byte, expected int) int {
	if expected < len(s.fields) && s.fields[expected].name == string(name) {
		return expected
	}
	if i, ok := s.byName[string(name)]; ok {
		return i
	}
	return -1
}

func unknownStep(name []byte) string { return "[" + quote(name) + "]" }

func pointerDecoder(t reflect.Type, elem *plan) decodeFunc {
	return func(r *reader, v reflect.Value) error {
		if r.peekNil() {
			r.pos++
			return nil
		}
		if err := r.take(1, t.Size()); err != nil {
			return err
		}
		to := reflect.New(t)
		if err := elem.decode(r, to.Elem()); err != nil {
			return err
		}
		v.Set(to)
		return nil
	}
}

func sliceDecoder(t reflect.Type, elem *plan) decodeFunc {
	size := t.Elem().Size()
	return func(r *reader, v reflect.Value) error {
		head, err := r.next()
		switch {
		case err != nil || head.kind == kindNil:
			return err
		case head.kind != kindArray:
			return wrongKind("an array", head)
		}
		count := int(head.bits)
		if err := r.take(count, size); err != nil {
			return err
		}
		v.Set(reflect.MakeSlice(t, count, count))
		return decodeElements(r, v, count, elem)
	}
}

func arrayDecoder(elem *plan) decodeFunc {
	return func(r *reader, v reflect.Value) error {
		head, err := r.next()
		switch {
		case err != nil || head.kind == kindNil:
			return err
		case head.kind != kindArray:
			return wrongKind("an array", head)
		case int(head.bits) != v.Len():
			return faultf("expected %d elements, got %d", v.Len(), head.bits)
		}
		return decodeElements(r, v, v.Len(), elem)
	}
}

func decodeElements(r *reader, v reflect.Value, count int, elem *plan) error {
	if err := r.enter(); err != nil {
		return err
	}
	for i := range count {
		if err := elem.decode(r, v.Index(i)); err != nil {
			return withinIndex(i, err)
		}
	}
	r.depth--
	return nil
}

// mapEntryCost is roughly the memory of a map entry beside its key and its value.
const mapEntryCost = 8

func mapDecoder(t reflect.Type, key, elem *plan) decodeFunc {
	size := t.Key().Size() + t.Elem().Size() + mapEntryCost
	decodeKey := keyDecoder(t.Key(), key)
	return func(r *reader, v reflect.Value) error {
		head, err := r.next()
		switch {
		case err != nil || head.kind == kindNil:
			return err
		case head.kind != kindMap:
			return wrongKind("a map", head)
		}
		count := int(head.bits)
		if err := r.take(count+1, size); err != nil {
			return err
		}
		if err := r.enter(); err != nil {
			return err
		}
		m := reflect.MakeMapWithSize(t, count)
		k, e := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		for i := range count {
			k.SetZero()
			e.SetZero()
			if r.peekNil() {
				return faultf("the key of an entry is nil")
			}
			if err := decodeKey(r, k); err != nil {
				return within("[key "+strconv.Itoa(i)+"]", err)
			}
			if k.CanFloat() && math.IsNaN(k.Float()) {
				return within("[key "+strconv.Itoa(i)+"]", faultf("NaN is no key: nothing finds it"))
			}
			if err := elem.decode(r, e); err != nil {
				return within(keyStep(k), err)
			}
			m.SetMapIndex(k, e)
			if m.Len() == i {
				return within(keyStep(k), faultf("there twice"))
			}
		}
		r.depth--
		v.Set(m)
		return nil
	}
}

// keyDecoder decodes a key. One that is an integer may be its digits: an object of JavaScript has no keys but texts.
func keyDecoder(t reflect.Type, key *plan) decodeFunc {
	if !isPlain(t) || !reflect.Zero(t).CanInt() && !reflect.Zero(t).CanUint() {
		return func(r *reader, k reflect.Value) error { return key.decode(r, k) }
	}
	return func(r *reader, k reflect.Value) error {
		start := r.pos
		head, err := r.next()
		if err != nil || head.kind != kindString {
			r.pos = start
			return key.decode(r, k)
		}
		return setDigits(k, string(head.body))
	}
}

// setDigits sets an integer to what its digits say.
func setDigits(k reflect.Value, text string) error {
	if k.CanInt() {
		if n, err := strconv.ParseInt(text, 10, k.Type().Bits()); err == nil {
			k.SetInt(n)
			return nil
		}
	} else if n, err := strconv.ParseUint(text, 10, k.Type().Bits()); err == nil {
		k.SetUint(n)
		return nil
	}
	return faultf("expected %s, got the text %s", k.Type(), quote([]byte(text)))
}

func keyStep(k reflect.Value) string {
	switch {
	case k.Kind() == reflect.String:
		return "[" + quote([]byte(k.String())) + "]"
	case k.CanInt():
		return "[" + strconv.FormatInt(k.Int(), 10) + "]"
	case k.CanUint():
		return "[" + strconv.FormatUint(k.Uint(), 10) + "]"
	}
	return "[entry]"
}
