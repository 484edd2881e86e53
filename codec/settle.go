package codec

import (
	"fmt"
	"math"
	"reflect"
	"time"
)

// Settle makes of the value that v points to what its decoded copy would be, where the two are known to differ: times
// are in UTC and without a monotonic clock, and what is in an any is what decoding puts there, such as an int64 for an
// int and a []any for a []string. It changes the value in place, so that pointers into it stay good. The error names the
// place of what has no encoding, or could not be decoded again.
func Settle(v any) error {
	p, err := encodable(v)
	if p == nil || err != nil || !p.mends {
		return err
	}
	found := reflect.ValueOf(v)
	if p.nests {
		if err := checkNesting(found, 0, 0); err != nil {
			return err
		}
	}
	_, err = settle(found)
	return err
}

// settle settles what v holds. What cannot be changed in place, it returns.
func settle(v reflect.Value) (changed reflect.Value, err error) {
	same := reflect.Value{}
	if !shapeOf(v.Type()).loose {
		return same, nil
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return same, nil
		}
		return same, settleIn(v.Elem())
	case reflect.Interface:
		return settleAny(v)
	case reflect.Slice:
		return same, settleList(v)
	case reflect.Map:
		return same, settleMap(v)
	}
	if v.Type() == timeType {
		at := v.Interface().(time.Time)
		if settled := at.Round(0).UTC(); at != settled {
			return reflect.ValueOf(settled), nil
		}
		return same, nil
	}
	if !v.CanAddr() { // a struct or an array within a map or an any
		settled := reflect.New(v.Type()).Elem()
		settled.Set(v)
		return settled, settleIn(settled)
	}
	return same, settleIn(v)
}

// settleIn settles a value that can be set.
func settleIn(v reflect.Value) error {
	switch {
	case v.Kind() == reflect.Array:
		return settleList(v)
	case v.Kind() == reflect.Struct && v.Type() != timeType:
		for _, i := range shapeOf(v.Type()).looseFields {
			if err := settleIn(v.Field(i)); err != nil {
				return within("."+v.Type().Field(i).Name, err)
			}
		}
		return nil
	}
	settled, err := settle(v)
	if err == nil && settled.IsValid() && v.CanSet() {
		v.Set(settled)
	}
	return err
}

func settleList(v reflect.Value) error {
	for i := range v.Len() {
		if err := settleIn(v.Index(i)); err != nil {
			return withinIndex(i, err)
		}
	}
	return nil
}

func settleMap(m reflect.Value) error {
	for entries := m.MapRange(); entries.Next(); {
		settled, err := settle(entries.Value())
		if err != nil {
			return within(keyStep(entries.Key()), err)
		}
		if settled.IsValid() {
			m.SetMapIndex(entries.Key(), settled)
		}
	}
	return nil
}

// settleAny settles what is in an any: in place what decoding could have put there, else by decoding.
func settleAny(v reflect.Value) (changed reflect.Value, err error) {
	switch x := v.Interface().(type) {
	case nil, bool, int64, float64:
		return changed, nil
	case string:
		return changed, checkUTF8([]byte(x))
	case uint64:
		if x > math.MaxInt64 {
			return changed, nil
		}
	case []byte:
		if x != nil {
			return changed, nil
		}
	case []any:
		if x != nil {
			return changed, settleList(v.Elem())
		}
	case map[string]any:
		if x != nil {
			return changed, settleMap(v.Elem())
		}
	case time.Time:
		return settle(v.Elem())
	}
	encoded, err := MsgPack.Append(nil, v.Interface())
	if err != nil {
		return changed, err
	}
	decoded := reflect.New(anyType).Elem()
	if err := MsgPack.Unmarshal(encoded, decoded.Addr().Interface()); err != nil {
		return changed, fmt.Errorf("it could not be decoded again: %w", err)
	}
	return decoded, nil
}
