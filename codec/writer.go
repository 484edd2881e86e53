package codec

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/vmihailenco/msgpack/v5"
)

// writer appends msgpack to a slice. Lengths and integers have their shortest forms.
type writer struct {
	out     []byte
	entries []writtenEntry   // of the maps that are being written, those of inner ones last
	spare   []byte           // a copy of the entries that are put into order
	library *msgpack.Encoder // of types that encode themselves; nil until there is one
}

// writtenEntry is where an entry of a map is. It is in order by the bytes from key to value. The first of those in which keys
// differ are here too, because they are compared often.
type writtenEntry struct {
	start, key, value, end int
	first                  uint64
}

var writers = sync.Pool{New: func() any { return new(writer) }}

// maxSpare keeps what a rare large map needs from staying in memory for ever.
const maxSpare = 1 << 20

// put gives the writer back, without what it has written. After an error it may be in any state: then it is not given back.
func (w *writer) put() {
	w.out = nil
	if cap(w.spare) <= maxSpare && cap(w.entries) <= maxSpare/64 {
		writers.Put(w)
	}
}

// Write implements io.Writer, for the library.
func (w *writer) Write(p []byte) (int, error) {
	w.out = append(w.out, p...)
	return len(p), nil
}

// WriteByte implements io.ByteWriter, for the library.
func (w *writer) WriteByte(b byte) error {
	w.out = append(w.out, b)
	return nil
}

// own has the library encode a value, for a type that encodes itself.
func (w *writer) own(v reflect.Value) error {
	if w.library == nil {
		w.library = msgpack.NewEncoder(nil)
	}
	e := w.library
	// The options are set each time: Reset clears them, and a type's own EncodeMsgpack may have changed them.
	e.Reset(w)
	e.SetCustomStructTag(structTag)
	e.UseCompactInts(true)
	e.SetSortMapKeys(true)
	return e.EncodeValue(v)
}

// head appends the head of a list or a map: a short length is in the first byte, a longer one follows it.
func (w *writer) head(fix, code16 byte, length int) {
	switch {
	case length < maxFixed:
		w.out = append(w.out, fix|byte(length))
	case length <= math.MaxUint16:
		w.out = binary.BigEndian.AppendUint16(append(w.out, code16), uint16(length))
	default:
		w.out = binary.BigEndian.AppendUint32(append(w.out, code16+1), uint32(length))
	}
}

// maxFixed is the least length of a list or a map that does not fit into its first byte.
const maxFixed = 16

// setMapHead makes the byte at a place, from which on a map was written, the head of one with so many entries.
func (w *writer) setMapHead(at, count int) {
	if count < maxFixed {
		w.out[at] = codeFixMap | byte(count)
		return
	}
	var long writer
	long.head(codeFixMap, codeMap16, count)
	w.out = slices.Replace(w.out, at, at+1, long.out...)
}

func (w *writer) string(text string) {
	switch length := len(text); {
	case length < 32:
		w.out = append(w.out, codeFixString|byte(length))
	case length <= math.MaxUint8:
		w.out = append(w.out, codeString8, byte(length))
	default:
		w.head(0, codeString16, length)
	}
	w.out = append(w.out, text...)
}

// textHead is how many bytes come before a text that begins with a code, or 0 of anything else.
func textHead(code byte) int {
	switch {
	case code&^31 == codeFixString:
		return 1
	case code >= codeString8 && code <= codeString32:
		return 1 + 1<<(code-codeString8)
	}
	return 0
}

func (w *writer) uint(n uint64) {
	if codePositiveMax < n && n <= math.MaxUint8 {
		w.out = append(w.out, codeUint8, byte(n))
	} else {
		w.out = AppendUint(w.out, n)
	}
}

func (w *writer) int(n int64) {
	switch {
	case n >= 0:
		w.uint(uint64(n))
	case n >= -32:
		w.out = append(w.out, byte(n))
	case n >= math.MinInt8:
		w.out = append(w.out, codeInt8, byte(n))
	case n >= math.MinInt16:
		w.out = binary.BigEndian.AppendUint16(append(w.out, codeInt8+1), uint16(n))
	case n >= math.MinInt32:
		w.out = binary.BigEndian.AppendUint32(append(w.out, codeInt8+2), uint32(n))
	default:
		w.out = binary.BigEndian.AppendUint64(append(w.out, codeInt64), uint64(n))
	}
}

// time appends a timestamp, or fails if it cannot be decoded again.
func (w *writer) time(t time.Time) error {
	seconds, nanoseconds := t.Unix(), uint64(t.Nanosecond())
	const id = 0xff // timestampExt
	switch {
	case seconds < minTimestamp || seconds > maxTimestamp:
		return faultf("the timestamp is out of range")
	case uint64(seconds)>>34 != 0:
		w.out = binary.BigEndian.AppendUint32(append(w.out, codeExt8, 12, id), uint32(nanoseconds))
		w.out = binary.BigEndian.AppendUint64(w.out, uint64(seconds))
	case nanoseconds == 0 && seconds <= math.MaxUint32:
		w.out = binary.BigEndian.AppendUint32(append(w.out, codeFixExt1+2, id), uint32(seconds))
	default:
		w.out = binary.BigEndian.AppendUint64(append(w.out, codeFixExt1+3, id), nanoseconds<<34|uint64(seconds))
	}
	return nil
}

// arrange puts the entries from base on, which are those of one map and the last that were written, into the order of their keys.
func (w *writer) arrange(base int) {
	entries, out := w.entries[base:], w.out
	w.entries = w.entries[:base]
	if len(entries) < 2 {
		return
	}
	same := sameStart(out, entries)
	for i := range entries {
		var first [8]byte
		copy(first[:], out[entries[i].key+same:entries[i].value])
		entries[i].first = binary.BigEndian.Uint64(first[:])
	}
	byKey := func(a, b writtenEntry) int {
		if a.first != b.first {
			return cmp.Compare(a.first, b.first)
		}
		return bytes.Compare(out[a.key:a.value], out[b.key:b.value])
	}
	if slices.IsSortedFunc(entries, byKey) {
		return
	}
	start := entries[0].start
	slices.SortFunc(entries, byKey)
	w.spare = append(w.spare[:0], out[start:]...)
	out = out[:start]
	for _, e := range entries {
		out = append(out, w.spare[e.start-start:e.end-start]...)
	}
}

// sameStart is how many bytes the keys of all entries begin with alike.
func sameStart(out []byte, entries []writtenEntry) int {
	start := out[entries[0].key:entries[0].value]
	for _, e := range entries[1:] {
		key := out[e.key:e.value]
		start = start[:min(len(start), len(key))]
		for i := range start {
			if start[i] != key[i] {
				start = start[:i]
				break
			}
		}
	}
	return len(start)
}
