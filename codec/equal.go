package codec

import (
	"bytes"
	"slices"
)

// Equal reports whether two msgpack encodings hold the same value, in any order of map entries. Otherwise they must be
// encoded alike: a 1 in one byte is not equal to a 1 in two. An invalid encoding is equal only to an identical copy. What
// [MsgPack] has written is compared as bytes; another order, as other programs and types with methods write, takes longer.
func Equal(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	if len(a) != len(b) || !sameBytes(a, b) {
		return false
	}
	a, errA := canonical(a)
	b, errB := canonical(b)
	return errA == nil && errB == nil && bytes.Equal(a, b)
}

// sameBytes reports whether one encoding may be a reordering of the other: not if the bytes between their first and
// their last difference have different sums. This finds most changes, and costs little more than the search for the
// differences.
func sameBytes(a, b []byte) bool {
	const block = 256 // compared at once
	for len(a) >= block && bytes.Equal(a[:block], b[:block]) {
		a, b = a[block:], b[block:]
	}
	for len(a) >= block && bytes.Equal(a[len(a)-block:], b[len(b)-block:]) {
		a, b = a[:len(a)-block], b[:len(b)-block]
	}
	sum := 0
	for i := range a {
		sum += int(a[i]) - int(b[i])
	}
	return sum == 0
}

// canonical returns an encoding with the entries of all maps in byte order. An invalid encoding is an error.
func canonical(data []byte) ([]byte, error) {
	var r reader
	r.reset(data)
	sorted, err := r.appendSorted(make([]byte, 0, len(data)))
	if err != nil {
		return nil, err
	}
	return sorted, r.end()
}

func (r *reader) appendSorted(dst []byte) ([]byte, error) {
	start := r.pos
	t, err := r.next()
	if err != nil {
		return dst, err
	}
	if r.values {
		dst = appendToken(dst, t)
	} else {
		dst = append(dst, r.data[start:r.pos]...)
	}
	if t.kind != kindArray && t.kind != kindMap {
		return dst, nil
	}
	if err := r.enter(); err != nil {
		return dst, err
	}
	if t.kind == kindArray {
		for range t.bits {
			if dst, err = r.appendSorted(dst); err != nil {
				return dst, err
			}
		}
	} else if dst, err = r.appendSortedEntries(dst, int(t.bits)); err != nil {
		return dst, err
	}
	r.depth--
	return dst, nil
}

func (r *reader) appendSortedEntries(dst []byte, count int) ([]byte, error) {
	first := len(dst)
	ends := make([]int, 0, count)
	for range count {
		for range 2 {
			var err error
			if dst, err = r.appendSorted(dst); err != nil {
				return dst, err
			}
		}
		ends = append(ends, len(dst))
	}
	unsorted := bytes.Clone(dst[first:])
	entries := make([][]byte, count)
	start := 0
	for i, end := range ends {
		entries[i] = unsorted[start : end-first]
		start = end - first
	}
	slices.SortFunc(entries, bytes.Compare)
	dst = dst[:first]
	for _, entry := range entries {
		dst = append(dst, entry...)
	}
	return dst, nil
}
