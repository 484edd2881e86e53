package codec

import "unsafe"

// Entry is an entry of a msgpack map with strings as keys. Its bytes share the memory of the encoding that [Entries]
// was given.
type Entry struct {
	Name  string
	Value []byte // the encoding of the value
	Whole []byte // the encodings of the name and the value
}

// Entries returns the entries of a msgpack map, for a caller that knows some of them and must keep the others as they
// are. No data has no entries. It is an error if the encoding is invalid or no map, or if a key is a duplicate or no
// string.
func Entries(data []byte) ([]Entry, error) {
	if len(data) == 0 {
		return nil, nil
	}
	var r reader
	r.reset(data)
	t, err := r.next()
	if err != nil {
		return nil, err
	}
	if t.kind != kindMap {
		return nil, wrongKind("a map", t)
	}
	if err := r.take(int(t.bits), unsafe.Sizeof(Entry{})); err != nil {
		return nil, err
	}
	entries, seen := make([]Entry, 0, t.bits), make(map[string]bool, t.bits)
	for range t.bits {
		start := r.pos
		key, err := r.next()
		if err != nil {
			return nil, err
		}
		if key.kind != kindString {
			return nil, wrongKind("a string as a key", key)
		}
		e := Entry{Name: string(key.body)}
		if seen[e.Name] {
			return nil, within(unknownStep(key.body), faultf("there twice"))
		}
		seen[e.Name] = true
		if e.Value, err = r.entry(); err != nil {
			return nil, within(unknownStep(key.body), err)
		}
		e.Whole = data[start:r.pos:r.pos]
		entries = append(entries, e)
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	return entries, nil
}

// entry reads a value within a container.
func (r *reader) entry() ([]byte, error) {
	if err := r.enter(); err != nil {
		return nil, err
	}
	defer func() { r.depth-- }()
	return r.skip()
}
