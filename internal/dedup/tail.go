package dedup

import (
	"encoding/binary"
	"slices"
	"time"
)

// When answers leave for the archive, in a block, the oldest first.
const (
	minBlock     = 16              // answers with a request id that are worth a block, besides as many as a write brings
	maxBlock     = 1000            // answers
	maxBlockSize = 128 << 10       // bytes of them
	oldBlock     = 2 * time.Second // after which fewer answers are worth one too
	maxOlder     = 64              // answers from before the actor woke
	spillFrom    = 20 << 10        // bytes of the answers, from which on all of them go
)

// tail is the answers that a record has, oldest first. It keeps them as they are encoded, because the record is written
// with every change, and answers are read only when a call comes again.
type tail struct {
	encoded []byte
	tags    []uint32 // of each
	about   []about  // of each
	given   int      // how many of them have a request id
	taken   int      // the oldest so many are in the write that is under way
	fresh   int      // so many of those were in none before, when it was taken
	stored  int      // the oldest so many are in the last that has succeeded
	older   int      // the oldest so many were there when the actor woke
}

// about is what must be known of an answer at a glance.
type about struct {
	at     ticks
	size   uint16 // of its encoding
	given  bool   // it is to a call with a request id
	flying bool   // it is in a block that is on its way
}

// ticks is a time, in 16ths of a second. Only differences tell anything.
type ticks uint32

const tick = time.Second / 16

// began is a time to count from.
var began = time.Now()

func ticksOf(t time.Time) ticks { return ticks(t.Sub(began) / tick) }

// olderThan reports whether at is longer ago than a while, seen from t.
func (t ticks) olderThan(while time.Duration, at ticks) bool {
	return time.Duration(int32(t-at)) > while/tick
}

// take is told that the answers are in a write that is about to be sent.
func (t *tail) take() { t.taken, t.fresh = len(t.about), len(t.about)-t.taken }

// found is told that all answers were found in a record.
func (t *tail) found() { t.taken, t.stored, t.older = len(t.about), len(t.about), len(t.about) }

// add adds an answer, and keeps nothing of it.
func (t *tail) add(e *entry, now time.Time) {
	before := len(t.encoded)
	t.encoded = e.append(t.encoded)
	t.tags = append(t.tags, e.key.tag())
	t.about = append(t.about, about{at: ticksOf(now), size: uint16(len(t.encoded) - before), given: e.given})
	if e.given {
		t.given++
	}
}

// find returns the answer with a key. It shares the memory of the tail.
func (t *tail) find(key Key) (entry, bool) {
	tag := key.tag()
	for first := 0; ; first++ {
		n := slices.Index(t.tags[first:], tag)
		if n < 0 {
			return entry{}, false
		}
		first += n
		if e := t.entry(first); e.key == key {
			return e, true
		}
	}
}

// entry decodes the nth answer.
func (t *tail) entry(n int) entry {
	at := 0
	for _, a := range t.about[:n] {
		at += int(a.size)
	}
	in := scanner{data: t.encoded[at:]}
	return in.entry()
}

// numbered returns the caller and the number of the answer that begins at an offset, which has no request id.
func (t *tail) numbered(at int) (caller, number uint64) {
	number, _ = binary.Uvarint(t.encoded[at+9:])
	return binary.BigEndian.Uint64(t.encoded[at+1:]), number
}

// remove removes the answers that are not wanted. It tells unwanted which it is, and where that begins.
func (t *tail) remove(unwanted func(i, at int) bool) {
	from, to, n := 0, 0, 0
	taken, stored, older := t.taken, t.stored, t.older
	for i := range t.about {
		a := t.about[i]
		next := from + int(a.size)
		if !unwanted(i, from) {
			if to < from {
				copy(t.encoded[to:], t.encoded[from:next])
				t.tags[n], t.about[n] = t.tags[i], a
			}
			to, n = to+int(a.size), n+1
		} else {
			t.given -= one(a.given)
			t.taken -= one(i < taken)
			t.stored -= one(i < stored)
			t.older -= one(i < older)
		}
		from = next
	}
	t.encoded, t.tags, t.about = t.encoded[:to], t.tags[:n], t.about[:n]
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// expire removes what is older than the archive would keep it.
func (t *tail) expire(now time.Time, window time.Duration) {
	old := func(i int) bool { return ticksOf(now).olderThan(window, t.about[i].at) }
	if len(t.about) > 0 && old(0) {
		t.remove(func(i, _ int) bool { return old(i) })
	}
}

// trim gives back memory that is not in use.
func (t *tail) trim() {
	t.encoded, t.tags, t.about = trimmed(t.encoded), trimmed(t.tags), trimmed(t.about)
}

func trimmed[T any](s []T) []T {
	if len(s) == 0 {
		return nil
	}
	return append(make([]T, 0, len(s)), s...)
}

// choose marks the answers of the next block, and returns how many they are and their size.
func (t *tail) choose(now time.Time) (n, size int) {
	all, old := len(t.encoded) >= spillFrom, t.tooManyOlder()
	if !all && !old && t.given == 0 {
		return 0, 0
	}
	then := ticksOf(now)
	for i := range t.about[:t.stored] {
		a := &t.about[i]
		if n == maxBlock || size >= maxBlockSize {
			break
		}
		if all || a.given || old && i < t.older {
			a.flying, old = true, old || then.olderThan(oldBlock, a.at)
			n, size = n+1, size+int(a.size)
		}
	}
	if n < minBlock+t.fresh && !old && !all {
		t.land()
		return 0, 0
	}
	return n, size
}

// tooManyOlder reports whether there are many answers from before the actor woke. No clock says how old they are, and the
// record of an actor that wakes for each call would grow with all who have ever called it.
func (t *tail) tooManyOlder() bool { return t.older > maxOlder }

// appendFlying appends the answers of the block that choose has marked.
func (t *tail) appendFlying(b []byte) []byte {
	at := 0
	for i := range t.about {
		next := at + int(t.about[i].size)
		if t.about[i].flying {
			b = append(b, t.encoded[at:next]...)
		}
		at = next
	}
	return b
}

// land takes the marks off.
func (t *tail) land() {
	for i := range t.about {
		t.about[i].flying = false
	}
}
