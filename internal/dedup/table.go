package dedup

import (
	"cmp"
	"math"
	"time"
)

// table knows in which blocks of the archive there may be an answer, by its tag: some eight bytes for each.
type table struct {
	parts []*part       // oldest first
	keep  time.Duration // how long the archive keeps a block; zero: as by default
}

// part is the part of a table for a while, which is forgotten as a whole.
type part struct {
	began, ended time.Time
	blocks       []Ref
	tagged
}

// tagged has tags, each with the number of its block. It is a hash table with linear probing, in which those that may be
// first come first (Robin Hood hashing): what is not there is missed after a few.
type tagged struct {
	tags  []uint32 // 0: none
	block []uint16 // of the tag at the same index
	n     int
}

const (
	maxInPart   = 1<<16 - 1 // blocks
	firstTagged = 64        // tags
)

func (t *table) keepFor() time.Duration { return cmp.Or(t.keep, KeepFor(DefaultWindow)) }

// add adds the tags of a block.
func (t *table) add(ref Ref, tags []uint32) {
	if len(tags) == 0 {
		return
	}
	now := time.Now()
	p := t.current(now)
	if len(p.blocks) == maxInPart {
		p = t.begin(now)
	}
	p.blocks, p.ended = append(p.blocks, ref), now
	for _, tag := range tags {
		p.add(tag, uint16(len(p.blocks)-1))
	}
}

// reserve makes room for so many tags, that are about to be added.
func (t *table) reserve(n int) {
	if n == 0 {
		return
	}
	if p := t.current(time.Now()); len(p.tags) < (p.n+n)*7/6 {
		p.resize((p.n+n)*7/6 + 1)
	}
}

func (t *table) current(now time.Time) *part {
	if last := len(t.parts) - 1; last >= 0 && now.Sub(t.parts[last].began) < t.keepFor()/8 {
		return t.parts[last]
	}
	return t.begin(now)
}

func (t *table) begin(now time.Time) *part {
	t.expire(now)
	p := &part{began: now}
	t.parts = append(t.parts, p)
	return p
}

// expire forgets what the archive does not keep any more.
func (t *table) expire(now time.Time) {
	for len(t.parts) > 0 && now.Sub(t.parts[0].ended) > t.keepFor() {
		t.parts = t.parts[1:]
	}
}

// oldest is the sequence of the oldest block, which is in the oldest part: that has all that was loaded, in any order.
func (t *table) oldest() uint64 {
	if len(t.parts) == 0 {
		return 0
	}
	oldest := uint64(math.MaxUint64)
	for _, ref := range t.parts[0].blocks {
		oldest = min(oldest, ref.Sequence)
	}
	return oldest
}

// has reports whether there may be an answer with the tag.
func (t *table) has(tag uint32) bool {
	for _, p := range t.parts {
		if p.has(tag) {
			return true
		}
	}
	return false
}

// find returns the blocks that may have an answer with the tag.
func (t *table) find(tag uint32) (refs []Ref) {
	for _, p := range t.parts {
		p.find(tag, func(block uint16) bool {
			refs = append(refs, p.blocks[block])
			return false
		})
	}
	return refs
}

// bytes is the memory that the table takes.
func (t *table) bytes() int64 {
	size := int64(0)
	for _, p := range t.parts {
		size += p.bytes() + int64(16*cap(p.blocks))
	}
	return size
}

func nonZero(tag uint32) uint32 { return max(tag, 1) }

// bytes is the memory that the tags take.
func (t *tagged) bytes() int64 { return int64(6 * len(t.tags)) }

// add adds the tag of an answer in a block.
func (t *tagged) add(tag uint32, block uint16) {
	if t.n*7 >= len(t.tags)*6 {
		t.resize(max(len(t.tags)*5/4, firstTagged))
	}
	t.put(nonZero(tag), block)
	t.n++
}

// start is where a tag may be first, if it is not after it.
func (t *tagged) start(tag uint32) int { return int(uint64(tag) * uint64(len(t.tags)) >> 32) }

func (t *tagged) after(i int) int {
	if i++; i == len(t.tags) {
		return 0
	}
	return i
}

// off is how far the tag at i is from where it may be first.
func (t *tagged) off(i int) int {
	if i -= t.start(t.tags[i]); i < 0 {
		i += len(t.tags)
	}
	return i
}

func (t *tagged) put(tag uint32, block uint16) {
	for i, off := t.start(tag), 0; ; i, off = t.after(i), off+1 {
		if t.tags[i] == 0 {
			t.tags[i], t.block[i] = tag, block
			return
		}
		if other := t.off(i); other < off {
			tag, t.tags[i] = t.tags[i], tag
			block, t.block[i] = t.block[i], block
			off = other
		}
	}
}

// has reports whether there may be an answer with the tag.
func (t *tagged) has(tag uint32) bool { return t.find(tag, func(uint16) bool { return true }) }

// find calls found for each block of a tag until that returns true, and reports whether it has.
func (t *tagged) find(tag uint32, found func(block uint16) bool) bool {
	if len(t.tags) == 0 {
		return false
	}
	tag = nonZero(tag)
	for i, off := t.start(tag), 0; t.tags[i] != 0 && off <= t.off(i); i, off = t.after(i), off+1 {
		if t.tags[i] == tag && found(t.block[i]) {
			return true
		}
	}
	return false
}

func (t *tagged) resize(size int) {
	tags, block := t.tags, t.block
	t.tags, t.block = make([]uint32, size), make([]uint16, size)
	for i, tag := range tags {
		if tag != 0 {
			t.put(tag, block[i])
		}
	}
}
