package dedup

import (
	"cmp"
	"errors"
	"fmt"
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
	case a.loading == newest && a.index != Ref{}:
		return []Ref{a.index}
	case a.loading < loaded:
		var refs []Ref
		if n := len(a.indexes); n > 0 {
			refs = append(refs, a.indexes[:n-1]...)
		}
		if refs = append(refs, a.since...); len(refs) > 0 {
			return refs
		}
		a.loading = loaded
	}
	return nil
}

// Load takes what was missing. A block that the archive does not keep any more is nil.
func (s *Answers) Load(missing []Ref, blocks [][]byte) error {
	a := s.archive
	for i, block := range blocks {
		if err := s.load(missing[i], block); err != nil {
			return fmt.Errorf("block %d.%d of the archive: %w", missing[i].Sequence, missing[i].Offset, err)
		}
	}
	switch {
	case a.loading == nothing && blocks[0] == nil:
		s.newArchive().doubt = a.doubt
	case a.loading == nothing:
		a.loading = newest
	case a.loading == newest && a.index != Ref{}:
		a.loading = indexes
	default:
		a.loading = loaded
	}
	return nil
}

// ErrOther is the error of a block that is not what it should be: the archive has gone back, and gone on.
var ErrOther = errors.New("it is of another actor, or of another kind")

func (s *Answers) load(ref Ref, block []byte) error {
	if block == nil {
		return nil
	}
	a, in := s.archive, scanner{data: block}
	kind := in.byte()
	if in.uint64() != s.of {
		return ErrOther
	}
	switch {
	case kind == kindBlock && a.loading == nothing:
		a.index, a.since = in.ref(), append(in.refs(), ref)
	case kind == kindBlock:
		a.loadBlock(&in, ref)
	case kind == kindIndex && a.loading == newest:
		a.indexes = append(in.refs(), ref)
		a.loadIndex(&in)
	case kind == kindIndex:
		in.refs()
		a.loadIndex(&in)
	default:
		return ErrOther
	}
	return in.err
}

// loadBlock reads the tags of a block in since.
func (a *archive) loadBlock(s *scanner, ref Ref) {
	s.ref()
	s.refs()
	block := uint8(slices.Index(a.since, ref))
	for range s.count(minEntry) {
		tag := s.entry().key.tag()
		a.tags = append(a.tags, tagged{tag, block})
		a.table.add(tag, ref)
	}
}

// loadIndex reads the tags of the blocks of an index.
func (a *archive) loadIndex(s *scanner) {
	blocks := s.refs()
	tags := make([][]uint32, len(blocks))
	for range s.count(5) {
		tag, block := s.uint32(), int(s.byte())
		if block >= len(blocks) {
			s.fail()
			return
		}
		tags[block] = append(tags[block], tag)
	}
	for block, ref := range blocks {
		for _, tag := range tags[block] {
			a.table.add(tag, ref)
		}
	}
}

// Candidates returns the blocks that may have the answer to a call.
func (s *Answers) Candidates(call Call) []Ref { return s.archived().table.find(call.ID.key().tag()) }

// FindIn looks for the answer to a call in blocks of the archive: see [Answers.Find].
func (s *Answers) FindIn(blocks [][]byte, call Call) (Answer, *troupe.Error, Verdict) {
	key := call.ID.key()
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
func (s *Answers) Memory() int64 { return s.archived().table.bytes() + int64(8*cap(s.archived().tags)) }

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
