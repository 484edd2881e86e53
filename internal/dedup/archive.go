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

const perIndex = 32 // blocks, whose tags then go into an index together

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
	index   Ref
	indexes []Ref    // oldest first; the last is index
	table   table    // of the tags that are in them
	since   []block  // since index
	tags    []uint32 // of the newest of since: a list is smaller than a table while it is short
	recent  tagged   // of the others

	loading loading
	flying  bool      // a block or an index is on its way
	stray   bool      // what is on its way is for an archive that was lost since
	indexed int       // how many of since go into the index that is on its way; 0: it is a block
	notYet  time.Time // until then nothing is sent, because it has failed
}

// block is a block of answers since the newest index. So many of its tags are in the list, one block after the other.
type block struct {
	sequence       uint64
	offset, listed uint32
}

func (b *block) ref() Ref { return Ref{b.sequence, b.offset} }

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
	tag := key.tag()
	return a.loading != loaded || slices.Contains(a.tags, tag) || a.recent.has(tag) || a.table.has(tag)
}

func (a *archive) inDoubt() bool { return !a.doubt.IsZero() && time.Now().Before(a.doubt) }

// Lost is told that the archive is gone, or has gone back. For a window nobody knows what it had.
func (s *Answers) Lost() {
	flying := s.archived().flying
	a := s.newArchive()
	a.doubt = time.Now().Add(cmp.Or(s.window, DefaultWindow))
	a.flying, a.stray = flying, flying
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
		return s.appendIndex(make([]byte, 0, 32+refSize*(len(a.indexes)+len(a.since))+tagSize*(a.recent.n+len(a.tags))))
	}
	n, size := s.choose(now)
	if n == 0 {
		return nil
	}
	if s.archive == nil {
		a = s.newArchive()
	}
	a.flying, a.indexed = true, 0
	b := s.appendHead(make([]byte, 0, 32+refSize*len(a.since)+size))
	return s.appendFlying(binary.AppendUvarint(b, uint64(n)))
}

// Archiving reports whether something is on its way to the archive.
func (s *Answers) Archiving() bool { return s.archived().flying }

// NotSent is told that what was to be sent may not have arrived. Nothing else is sent for a while.
func (s *Answers) NotSent(again time.Duration) {
	s.archive.flying, s.archive.stray, s.archive.notYet = false, false, time.Now().Add(again)
	s.land()
}

// Sent is told where in which archive it is. The answers leave the record with its next write, which names the block.
func (s *Answers) Sent(ref Ref, made int64) {
	a := s.archive
	anew := a.last != (Ref{}) && a.made != made // and this is the first block there
	if anew || a.stray {
		if a.flying, a.stray = false, false; anew {
			s.Lost()
		}
		s.land()
		return
	}
	a.flying, a.made, a.loading = false, made, loaded
	if n := a.indexed; n > 0 {
		a.indexes, a.index = append(a.indexes, ref), ref
		a.tabulate()
		a.prune()
		return
	}
	a.last = ref
	n := len(a.tags)
	s.remove(func(i, _ int) bool {
		flying := s.about[i].flying
		if flying {
			a.tags = append(a.tags, s.tags[i])
		}
		return flying
	})
	if s.Len() == 0 && cap(s.encoded) <= maxCalm {
		s.trim()
	}
	a.since = append(a.since, block{ref.Sequence, ref.Offset, uint32(len(a.tags) - n)})
	a.shortenList()
}

// maxCalm is how many bytes of answers a record has at most whose actor is called seldom. Such actors are many, and keep no
// memory for answers to come.
const maxCalm = 1 << 10

// maxListed is how many tags are looked through one by one.
const maxListed = 128

// shortenList ends the list when it is long.
func (a *archive) shortenList() {
	if len(a.tags) > maxListed {
		a.unlist()
	}
}

// unlist takes the tags from the list.
func (a *archive) unlist() {
	for i := range a.since {
		b := &a.since[i]
		for _, tag := range a.tags[:b.listed] {
			a.recent.add(tag, uint16(i))
		}
		a.tags, b.listed = a.tags[b.listed:], 0
	}
	a.tags = nil
}

// tabulate puts the tags of the blocks in since into the table: an index has them.
func (a *archive) tabulate() {
	a.unlist()
	of := make([][]uint32, len(a.since))
	for i, tag := range a.recent.tags {
		if tag != 0 {
			block := a.recent.block[i]
			of[block] = append(of[block], tag)
		}
	}
	for i := range a.since {
		a.table.add(a.since[i].ref(), of[i])
	}
	a.since, a.recent = nil, tagged{}
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
	return s.archive.appendSince(s.archive.index.append(b))
}

func (a *archive) appendSince(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(a.since)))
	for i := range a.since {
		b = a.since[i].ref().append(b)
	}
	return b
}

// appendIndex appends an index of the blocks in since.
func (s *Answers) appendIndex(b []byte) []byte {
	a := s.archive
	b = binary.AppendUvarint(binary.BigEndian.AppendUint64(append(b, kindIndex), s.of), uint64(len(a.indexes)))
	for _, ref := range a.indexes {
		b = ref.append(b)
	}
	a.unlist()
	b = binary.AppendUvarint(a.appendSince(b), uint64(a.recent.n))
	for i, tag := range a.recent.tags {
		if tag != 0 {
			b = append(binary.BigEndian.AppendUint32(b, tag), byte(a.recent.block[i]))
		}
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

// tagSize is how many bytes a tag takes in an index, with its block.
const tagSize = 5

// refSize is how many bytes most take.
const refSize = 8

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
