package dedup

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"time"
)

// KeepFor is how long an archive must keep what it gets: an index points to blocks that are older than itself.
func KeepFor(window time.Duration) time.Duration { return window + window/4 }

const (
	minBlock     = 16              // answers with a request id that are worth a block
	maxBlock     = 1000            // answers
	maxBlockSize = 128 << 10       // bytes of them
	oldBlock     = 2 * time.Second // after which fewer answers are worth one too
	maxOlder     = 64              // answers from before the actor woke
	perIndex     = 32              // blocks, whose tags then go into an index together
)

// Ref is where a block is in the archive. The zero Ref is nowhere.
type Ref struct {
	Sequence uint64
	Offset   uint32
}

// archive is what is known of the answers that have left the record. All of them can be found from the newest block: it
// names the newest index and the blocks since; an index names the indexes before it, and has a tag of each answer in its
// own blocks.
type archive struct {
	made  int64     // which archive it is
	last  Ref       // the newest block
	doubt time.Time // until then answers may be missing, because an archive was lost

	// The rest is known once it is loaded.
	loading loading
	index   Ref
	indexes []Ref // oldest first; the last is index
	since   []Ref // blocks since index
	tags    []tagged
	table   table

	flying  bool      // a block or an index is on its way
	indexed int       // how many of since go into the index that is on its way; 0: it is a block
	notYet  time.Time // until then nothing is sent, because it has failed
}

// tagged is the tag of an answer in a block of since.
type tagged struct {
	tag   uint32
	block uint8
}

// none is an archive that has nothing.
var none = &archive{loading: loaded}

// archived is the archive, only to be looked at.
func (s *Answers) archived() *archive {
	if s.archive == nil {
		return none
	}
	return s.archive
}

// newArchive makes the archive one that has nothing.
func (s *Answers) newArchive() *archive {
	s.archive = &archive{loading: loaded, table: table{keep: KeepFor(cmp.Or(s.window, DefaultWindow))}}
	return s.archive
}

// Archived is which archive has answers of the actor, and 0 if there is none.
func (s *Answers) Archived() int64 {
	if s == nil || s.archived().last == (Ref{}) {
		return 0
	}
	return s.archive.made
}

// mayHave reports whether a call may have its answer in the archive.
func (a *archive) mayHave(key Key) bool {
	switch {
	case a.inDoubt():
		return true
	case a.last == Ref{}:
		return false
	}
	return a.loading != loaded || a.table.has(key.tag())
}

func (a *archive) inDoubt() bool { return !a.doubt.IsZero() && time.Now().Before(a.doubt) }

// Lost is told that the archive is gone, or has gone back. For a window nobody knows what it had.
func (s *Answers) Lost() {
	s.newArchive().doubt = time.Now().Add(cmp.Or(s.window, DefaultWindow))
}

// Block returns what is to be sent to the archive now: a block of answers that a write has stored, or an index. It is nil
// when there is nothing, when something is on its way, or before the archive is loaded.
func (s *Answers) Block() []byte {
	a, now := s.archived(), time.Now()
	switch {
	case a.flying, now.Before(a.notYet), a.loading != loaded:
		return nil
	case len(a.since) >= perIndex:
		a.flying, a.indexed = true, len(a.since)
		return s.appendIndex(nil)
	}
	n := s.choose(now)
	if n == 0 {
		return nil
	}
	if s.archive == nil {
		a = s.newArchive()
	}
	a.flying, a.indexed = true, 0
	b := s.appendHead(make([]byte, 0, 64+5*len(a.since)+s.size))
	b = binary.AppendUvarint(b, uint64(n))
	for i := range s.kept {
		if s.kept[i].flying {
			b = s.kept[i].append(b)
		}
	}
	return b
}

// choose marks the answers of the next block, and returns how many they are.
func (s *Answers) choose(now time.Time) int {
	all, old := s.size >= spillFrom, s.tooManyOlder()
	if !all && !old && s.given == 0 {
		return 0
	}
	n, size := 0, 0
	for i := range s.kept {
		e := &s.kept[i]
		if e.serial > s.stored || n == maxBlock || size >= maxBlockSize {
			break
		}
		if all || e.given || old && e.serial <= s.older {
			e.flying, old = true, old || now.Sub(began)-e.at > oldBlock
			n, size = n+1, size+e.size()
		}
	}
	if n < minBlock && !old && !all {
		s.land()
		return 0
	}
	return n
}

// tooManyOlder reports whether there are many answers from before the actor woke. No clock says how old they are, and the
// record of an actor that wakes for each call would grow with all who have ever called it.
func (s *Answers) tooManyOlder() bool {
	return len(s.kept) > maxOlder && s.kept[maxOlder].serial <= s.older
}

// Archiving reports whether something is on its way to the archive.
func (s *Answers) Archiving() bool { return s.archived().flying }

// land takes the marks off.
func (s *Answers) land() {
	for i := range s.kept {
		s.kept[i].flying = false
	}
}

// NotSent is told that what was to be sent may not have arrived. Nothing else is sent for a while.
func (s *Answers) NotSent(again time.Duration) {
	s.archive.flying, s.archive.notYet = false, time.Now().Add(again)
	s.land()
}

// Sent is told where in which archive it is. The answers leave the record with its next write, which names the block.
func (s *Answers) Sent(ref Ref, made int64) {
	a := s.archive
	if a.last != (Ref{}) && a.made != made { // it was made anew, and this is the first block there
		s.Lost()
		s.land()
		return
	}
	a.flying, a.made, a.loading = false, made, loaded
	if n := a.indexed; n > 0 {
		a.indexes, a.index = append(a.indexes, ref), ref
		a.since = slices.Delete(a.since, 0, n)
		a.tags = slices.DeleteFunc(a.tags, func(t tagged) bool { return int(t.block) < n })
		for i := range a.tags {
			a.tags[i].block -= uint8(n)
		}
		a.prune()
		return
	}
	block := uint8(len(a.since))
	a.since, a.last = append(a.since, ref), ref
	s.forget(func(e *entry) bool {
		if e.flying {
			a.tags = append(a.tags, tagged{e.key.tag(), block})
			a.table.add(e.key.tag(), ref)
		}
		return e.flying
	})
}

// prune forgets the indexes of blocks that the archive does not keep any more.
func (a *archive) prune() {
	oldest := a.table.oldest()
	n := 0
	for n < len(a.indexes)-1 && a.indexes[n].Sequence < oldest {
		n++
	}
	a.indexes = slices.Delete(a.indexes, 0, n)
}

// appendHead appends the beginning of a block.
func (s *Answers) appendHead(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(append(b, kindBlock), s.of)
	return appendRefs(s.archive.index.append(b), s.archive.since)
}

// appendIndex appends an index of the blocks in since.
func (s *Answers) appendIndex(b []byte) []byte {
	a := s.archive
	b = appendRefs(binary.BigEndian.AppendUint64(append(b, kindIndex), s.of), a.indexes)
	b = appendRefs(b, a.since)
	b = binary.AppendUvarint(b, uint64(len(a.tags)))
	for _, t := range a.tags {
		b = append(binary.BigEndian.AppendUint32(b, t.tag), t.block)
	}
	return b
}

// The first byte of what is in the archive.
const (
	kindBlock = 1 + iota
	kindIndex
)

func (r Ref) append(b []byte) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(b, r.Sequence), uint64(r.Offset))
}

func appendRefs(b []byte, refs []Ref) []byte {
	b = binary.AppendUvarint(b, uint64(len(refs)))
	for _, r := range refs {
		b = r.append(b)
	}
	return b
}

func (s *scanner) ref() Ref {
	sequence, offset := s.uvarint(), s.uvarint()
	if offset > math.MaxUint32 {
		s.fail()
	}
	return Ref{sequence, uint32(offset)}
}

func (s *scanner) refs() []Ref {
	refs := make([]Ref, s.count(2))
	for i := range refs {
		refs[i] = s.ref()
	}
	return refs
}
