package codec

import (
	"bytes"
	"encoding/binary"
	"math"
)

// Merge is a three-way merge of msgpack encodings, for a program that knows only a part of a value and changes it. The
// program decoded what it knows from stored; that part encodes as base, and after the program's changes as changed.
// Merge returns stored with these changes. What the program does not know stays as it is: map entries, at any depth,
// that are in stored but not in base.
//
// In an array, an unchanged element keeps its stored form wherever it moves. A changed element is merged if the array
// has kept its length, and replaced otherwise. An invalid encoding is an error.
func Merge(stored, base, changed []byte) ([]byte, error) {
	var values [3][]byte
	for i, data := range [][]byte{stored, base, changed} {
		sorted, err := canonical(data)
		if err != nil {
			return nil, err
		}
		values[i] = sorted
	}
	return appendMerged(make([]byte, 0, len(values[0])+len(values[2])), values[0], values[1], values[2]), nil
}

// appendMerged merges values whose maps are in canonical order.
func appendMerged(dst, stored, base, changed []byte) []byte {
	if bytes.Equal(base, changed) {
		return append(dst, stored...)
	}
	s, b, c := parts(stored), parts(base), parts(changed)
	switch {
	case s.kind != b.kind || s.kind != c.kind:
		return append(dst, changed...)
	case s.kind == kindMap:
		return appendMergedMap(dst, s.values, b.index(), c)
	case s.kind == kindArray:
		return appendMergedArray(dst, s.values, b.values, c.values)
	}
	return append(dst, changed...)
}

func appendMergedMap(dst []byte, stored [][]byte, base map[string][]byte, c compound) []byte {
	changed := c.index()
	var kept [][]byte // keys and values
	storedValues := make(map[string][]byte, len(stored)/2)
	for i := 0; i < len(stored); i += 2 {
		key := string(stored[i])
		storedValues[key] = stored[i+1]
		_, known := base[key]
		if _, there := changed[key]; !known && !there {
			kept = append(kept, stored[i], stored[i+1])
		}
	}
	dst = appendHead(dst, codeFixMap, codeMap16, (len(c.values)+len(kept))/2)
	for i := 0; i < len(c.values); i += 2 {
		key, value := string(c.values[i]), c.values[i+1]
		dst = append(dst, key...)
		before, was := base[key]
		if from, ok := storedValues[key]; ok && was {
			dst = appendMerged(dst, from, before, value)
		} else {
			dst = append(dst, value...)
		}
	}
	for _, one := range kept {
		dst = append(dst, one...)
	}
	return dst
}

func appendMergedArray(dst []byte, stored, base, changed [][]byte) []byte {
	dst = appendHead(dst, codeFixArray, codeArray16, len(changed))
	if len(stored) != len(base) {
		base = nil
	}
	sources := make([]int, len(changed)) // the index in stored, or -1
	used := make([]bool, len(base))
	moved := make(map[string][]int)
	for i, value := range base {
		if i < len(changed) && bytes.Equal(value, changed[i]) {
			used[i] = true
		} else {
			moved[string(value)] = append(moved[string(value)], i)
		}
	}
	for i, value := range changed {
		sources[i] = -1
		switch from := moved[string(value)]; {
		case i < len(base) && bytes.Equal(base[i], value):
			sources[i] = i
		case len(from) > 0:
			sources[i], moved[string(value)] = from[0], from[1:]
			used[from[0]] = true
		}
	}
	for i, value := range changed {
		switch from := sources[i]; {
		case from >= 0:
			dst = append(dst, stored[from]...)
		case len(base) == len(changed) && !used[i]:
			dst = appendMerged(dst, stored[i], base[i], value)
		default:
			dst = append(dst, value...)
		}
	}
	return dst
}

// compound is a value taken apart: the elements of an array, or the keys and values of a map in turn.
type compound struct {
	kind   kind
	values [][]byte
}

// parts splits a valid value.
func parts(data []byte) compound {
	var r reader
	r.reset(data)
	head, _ := r.next() // canonical has read it all
	c := compound{kind: head.kind}
	if head.kind != kindArray && head.kind != kindMap {
		return c
	}
	for r.pos < len(data) {
		value, err := r.skip()
		if err != nil {
			break
		}
		c.values = append(c.values, value)
	}
	return c
}

// index maps the keys of a map to its values.
func (c compound) index() map[string][]byte {
	m := make(map[string][]byte, len(c.values)/2)
	for i := 0; i < len(c.values); i += 2 {
		m[string(c.values[i])] = c.values[i+1]
	}
	return m
}

// appendHead appends the head of an array or a map: with the code few, many, or, for a great many elements, the code
// after many.
func appendHead(dst []byte, few, many byte, count int) []byte {
	switch {
	case count < 16:
		return append(dst, few|byte(count))
	case count <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, many), uint16(count))
	}
	return binary.BigEndian.AppendUint32(append(dst, many+1), uint32(count))
}
