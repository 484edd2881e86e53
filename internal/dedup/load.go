package dedup

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
)

// loading is how far an archive is read after a record was.
type loading uint8

const (
	nothing loading = iota
	newest          // the newest block is
	indexes         // and the newest index
	loaded          // all that tells of answers
)

// Missing returns what must be read next of the archive before [Answers.Candidates] can tell. It is called again after
// [Answers.Load] until there is nothing.
func (s *Answers) Missing() []Ref {
	if s == nil || s.archive == nil {
		return nil
	}
	a := s.archive
	switch {
	case a.loading == nothing:
		return []Ref{a.last}
	case a.indexMissing():
		return []Ref{a.index}
	case a.loading < loaded:
		var refs []Ref
		if n := len(a.indexes); n > 0 {
			refs = append(refs, a.indexes[:n-1]...)
		}
		for _, b := range a.since {
			refs = append(refs, b.ref())
		}
		if len(refs) > 0 {
			return refs
		}
		a.loading = loaded
	}
	return nil
}

// Load takes what was missing. A block that the archive does not keep any more is nil.
func (s *Answers) Load(missing []Ref, data [][]byte) error {
	a := s.archive
	first := len(missing) // of those in since
	if a.loading > nothing && !a.indexMissing() {
		first -= len(a.since)
	}
	a.tags, a.recent = nil, tagged{} // of a try that has failed
	a.table.reserve(tagsIn(data[:min(first, len(data))]))
	for i, one := range data {
		if err := s.load(missing[i], one, i-first); err != nil {
			return fmt.Errorf("block %d.%d of the archive: %w", missing[i].Sequence, missing[i].Offset, err)
		}
	}
	switch {
	case a.loading == nothing && data[0] == nil:
		s.newArchive().doubt = a.doubt
	case a.loading == nothing:
		a.loading = newest
	case a.indexMissing():
		a.loading = indexes
	default:
		a.loading = loaded
		a.shortenList()
	}
	return nil
}

// tagsIn is how many tags the indexes among these have. Of what cannot be read it is none.
func tagsIn(data [][]byte) (n int) {
	for _, one := range data {
		in := scanner{data: one}
		if in.byte() != kindIndex {
			continue
		}
		in.uint64()
		for range 2 {
			for range in.count(2) {
				in.ref()
			}
		}
		n += in.count(tagSize)
	}
	return n
}

// indexMissing reports whether the newest index is what is missing.
func (a *archive) indexMissing() bool { return a.loading == newest && a.index != Ref{} }

// ErrOther is the error of a block that is not what it should be: the archive has gone back, and gone on.
var ErrOther = errors.New("it is of another actor, or of another kind")

// load reads the newest block, or an index, or the nth in since.
func (s *Answers) load(ref Ref, data []byte, nth int) error {
	if nth >= 0 {
		s.archive.since[nth].listed = 0
	}
	if data == nil {
		return nil
	}
	a, in := s.archive, scanner{data: data}
	kind := in.byte()
	if in.uint64() != s.of {
		return ErrOther
	}
	switch {
	case kind == kindBlock && a.loading == nothing:
		a.loadNewest(&in, ref)
	case kind == kindBlock && nth >= 0:
		a.loadBlock(&in, nth)
	case kind == kindIndex && a.loading == newest && nth < 0:
		a.indexes = append(in.refs(), ref)
		a.loadIndex(&in)
	case kind == kindIndex && a.loading == indexes && nth < 0:
		in.refs()
		a.loadIndex(&in)
	default:
		return ErrOther
	}
	return in.err
}

// loadNewest reads where the blocks since the newest index are, of which this one is the last.
func (a *archive) loadNewest(s *scanner, ref Ref) {
	a.index = s.ref()
	older := s.refs()
	if len(older) > math.MaxUint8 {
		s.fail()
		return
	}
	a.since = make([]block, 0, len(older)+1)
	for _, one := range append(older, ref) {
		a.since = append(a.since, block{sequence: one.Sequence, offset: one.Offset})
	}
}

// loadBlock reads the tags of the nth block in since. They come in its order.
func (a *archive) loadBlock(s *scanner, nth int) {
	s.ref()
	s.refs()
	n := s.count(minEntry)
	for range n {
		a.tags = append(a.tags, s.entry().key.tag())
	}
	a.since[nth].listed = uint32(n)
}

// loadIndex reads the tags of the blocks of an index.
func (a *archive) loadIndex(s *scanner) {
	blocks := s.refs()
	tags := make([][]uint32, len(blocks))
	for range s.count(tagSize) {
		tag, block := s.uint32(), int(s.byte())
		if block >= len(blocks) {
			s.fail()
			return
		}
		tags[block] = append(tags[block], tag)
	}
	for block, ref := range blocks {
		a.table.add(ref, tags[block])
	}
}

// Candidates returns the blocks that may have the answer to a call.
func (s *Answers) Candidates(call Call) []Ref {
	a, tag := s.archived(), call.key().tag()
	refs, tags := a.table.find(tag), a.tags
	for _, b := range a.since {
		if slices.Contains(tags[:b.listed], tag) {
			refs = append(refs, b.ref())
		}
		tags = tags[b.listed:]
	}
	a.recent.find(tag, func(block uint16) bool {
		refs = append(refs, a.since[block].ref())
		return false
	})
	return refs
}

// FindIn looks for the answer to a call in blocks of the archive: see [Answers.Find].
func (s *Answers) FindIn(blocks [][]byte, call Call) (Answer, *troupe.Error, Verdict) {
	key := call.key()
	for _, block := range blocks {
		if block == nil {
			continue
		}
		in := scanner{data: block}
		if in.byte() != kindBlock || in.uint64() != s.of {
			continue
		}
		in.ref()
		in.refs()
		for range in.count(minEntry) {
			if e := in.entry(); e.key == key {
				a, err := e.again(&call)
				return a, err, Answered
			}
		}
	}
	if s.archived().inDoubt() && (call.Again || call.ID.Given != "") {
		return Answer{}, errs.New(troupe.CodeOutcomeUnknown,
			"whether the call of %s has run is not known: the archive of answers was lost, %v ago",
			call.Action, (cmp.Or(s.window, DefaultWindow) - time.Until(s.archive.doubt)).Round(time.Second)), Answered
	}
	return Answer{}, nil, New
}

// Memory is how many bytes of memory it takes to know what the archive has.
func (s *Answers) Memory() int64 {
	a := s.archived()
	return a.table.bytes() + a.recent.bytes() + int64(16*cap(a.since)+4*cap(a.tags))
}

// MemoryChange is by how much Memory has grown since it was called last.
func (s *Answers) MemoryChange() int64 {
	if s == nil {
		return 0
	}
	was := s.counted
	s.counted = s.Memory()
	return s.counted - was
}

// Uncount is what MemoryChange has returned so far, in all. It begins anew.
func (s *Answers) Uncount() int64 {
	if s == nil {
		return 0
	}
	counted := s.counted
	s.counted = 0
	return counted
}

// Unload forgets what can be read again.
func (s *Answers) Unload() {
	if a := s.archived(); !a.flying && a.last != (Ref{}) {
		left := s.newArchive()
		left.made, left.last, left.doubt, left.notYet, left.loading = a.made, a.last, a.doubt, a.notYet, nothing
	}
}
