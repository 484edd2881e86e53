package codec

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// FromJSON converts JSON to msgpack: the way back from [ToJSON] for a value that was edited. JSON lacks some types, so
// each value takes its type from the value at the same place in like, which is msgpack. A string becomes bytes, a time,
// or a float that is no number, and a key becomes a number, where like has such a value; a number becomes a float where
// like has one. A text that was not edited keeps its bytes that are not UTF-8, and entries keep their order. Array
// elements beyond those of like follow its last element. Like may be empty. The error names the place of a string that
// does not fit.
func FromJSON(text, like []byte) ([]byte, error) {
	var value any
	if err := JSON.Unmarshal(text, &value); err != nil {
		return nil, err
	}
	if len(like) > 0 {
		if err := checkEncoded(like); err != nil {
			like = nil
		}
	}
	return appendLike(nil, value, like)
}

// appendLike encodes a decoded JSON value. Like is valid or empty.
func appendLike(dst []byte, value any, like []byte) ([]byte, error) {
	var r reader
	r.reset(like)
	model := token{kind: kindNil}
	if len(like) > 0 {
		model, _ = r.next()
	}
	switch v := value.(type) {
	case map[string]any:
		if model.kind == kindExt {
			return appendOther(dst, v, like)
		}
		return appendMapLike(dst, v, like)
	case []any:
		return appendArrayLike(dst, v, like)
	case string:
		return appendTextLike(dst, v, model)
	case int64:
		if model.kind == kindFloat32 || model.kind == kindFloat64 {
			return appendFloat(dst, float64(v), model.kind), nil
		}
	case uint64:
		if model.kind == kindFloat32 || model.kind == kindFloat64 {
			return appendFloat(dst, float64(v), model.kind), nil
		}
	case float64:
		return appendFloat(dst, v, model.kind), nil
	}
	return MsgPack.Append(dst, value)
}

func appendFloat(dst []byte, f float64, like kind) []byte {
	if like == kindFloat32 {
		return appendBits(append(dst, codeFloat32), uint64(math.Float32bits(float32(f))), 4)
	}
	return appendBits(append(dst, codeFloat64), math.Float64bits(f), 8)
}

// appendBits appends big-endian bits.
func appendBits(dst []byte, bits uint64, size int) []byte {
	for shift := 8 * (size - 1); shift >= 0; shift -= 8 {
		dst = append(dst, byte(bits>>shift))
	}
	return dst
}

func appendTextLike(dst []byte, text string, model token) ([]byte, error) {
	switch model.kind {
	case kindString:
		if was := string(model.body); !utf8.ValidString(was) && string([]rune(was)) == text { // as ToJSON shows it
			return AppendString(dst, was), nil
		}
	case kindBytes:
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, faultf("there were bytes, and this text is not base64: %v", err)
		}
		return MsgPack.Append(dst, b)
	case kindExt:
		if model.ext != timestampExt {
			return nil, faultf("there was the extension %d, and this is a text", model.ext)
		}
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return nil, faultf("there was a time, and this text is none: %v", err)
		}
		return MsgPack.Append(dst, at)
	case kindFloat32, kindFloat64:
		switch text {
		case "NaN", "Infinity", "-Infinity":
			f, _ := strconv.ParseFloat(text, 64) // it knows all three
			return appendFloat(dst, f, model.kind), nil
		}
	}
	return MsgPack.Append(dst, text)
}

func appendArrayLike(dst []byte, values []any, like []byte) ([]byte, error) {
	var models [][]byte
	if len(like) > 0 {
		if c := parts(like); c.kind == kindArray {
			models = c.values
		}
	}
	dst = appendHead(dst, codeFixArray, codeArray16, len(values))
	for i, value := range values {
		var model []byte
		if len(models) > 0 {
			model = models[min(i, len(models)-1)]
		}
		var err error
		if dst, err = appendLike(dst, value, model); err != nil {
			return nil, withinIndex(i, err)
		}
	}
	return dst, nil
}

func appendMapLike(dst []byte, entries map[string]any, like []byte) ([]byte, error) {
	type entry struct{ key, value []byte }
	models := make(map[string]entry)
	var names []string // those of like first, in its order
	keysAre := kindString
	if len(like) > 0 {
		if c := parts(like); c.kind == kindMap {
			for i := 0; i < len(c.values); i += 2 {
				name, err := keyText(c.values[i])
				if err != nil {
					return nil, err
				}
				models[name] = entry{c.values[i], c.values[i+1]}
				if _, ok := entries[name]; ok {
					names = append(names, name)
				}
				var r reader
				r.reset(c.values[i])
				key, _ := r.next()
				keysAre = key.kind
			}
		}
	}
	dst = appendHead(dst, codeFixMap, codeMap16, len(entries))
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		if _, ok := models[name]; !ok {
			names = append(names, name)
		}
	}
	for _, name := range names {
		value := entries[name]
		model, ok := models[name]
		if !ok {
			key, err := newKey(name, keysAre)
			if err != nil {
				return nil, within("["+quote([]byte(name))+"]", err)
			}
			model.key = key
		}
		var err error
		if dst, err = appendLike(append(dst, model.key...), value, model.value); err != nil {
			return nil, within("["+quote([]byte(name))+"]", err)
		}
	}
	return dst, nil
}

// newKey encodes a key that is new in a map whose other keys have a kind.
func newKey(name string, keysAre kind) ([]byte, error) {
	switch keysAre {
	case kindString:
		return MsgPack.Append(nil, name)
	case kindInt, kindUint:
		if n, err := strconv.ParseInt(name, 10, 64); err == nil {
			return MsgPack.Append(nil, n)
		}
		if n, err := strconv.ParseUint(name, 10, 64); err == nil {
			return MsgPack.Append(nil, n)
		}
	case kindFloat32, kindFloat64:
		if f, err := strconv.ParseFloat(name, 64); err == nil {
			return appendFloat(nil, f, keysAre), nil
		}
	}
	return nil, faultf("the other keys are %s, and this is none", keysAre)
}

// keyText is a key as ToJSON writes it.
func keyText(key []byte) (string, error) {
	var j transcoder
	j.reset(key)
	text, err := j.key()
	if err != nil {
		return "", err
	}
	var name string
	err = json.Unmarshal([]byte(text), &name)
	return name, err
}

// appendOther appends an extension that was not edited.
func appendOther(dst []byte, value any, like []byte) ([]byte, error) {
	before, err := ToJSON(like)
	if err != nil {
		return nil, err
	}
	var was any
	if err := JSON.Unmarshal(before, &was); err != nil {
		return nil, err
	}
	if fmt.Sprint(was) != fmt.Sprint(value) {
		return nil, faultf("an extension cannot be changed")
	}
	return append(dst, like...), nil
}
