package record

import (
	"fmt"
	"slices"

	"github.com/troupe-go/troupe/codec"
)

// known are the durable parts that this program knows, in the order in which they are written. A new one is a file that
// has its type, its [kind], its changes and its accessor, and a line here.
var known = []*kind{
	&answersPart,
	&followsPart,
	&eventsPart,
	&outboxPart,
	&schedulesPart,
	&workflowPart,
	&queuesPart,
	&pushesPart,
	&inOrderPart,
	&itemsPart,
	&begunPart,
}

// Part is a durable part of a record.
type Part interface {
	// Decode takes the part from its encoding, and checks all of it: nothing of what it takes may be wrong wherever it
	// is used, whoever has written it. Of a part that is not there it is not called.
	Decode(value []byte) error
	// Append appends the encoding.
	Append(dst []byte) []byte
	// Size is how many bytes Append appends, or more. Without any, the record does not have the part.
	Size() int64
}

// Change is what a turn does to a part. It is made in the turn, and applied only when that has succeeded.
type Change interface {
	// Size is how many bytes the parts need for it in addition, or more.
	Size(*Parts) int64
	// Shared reports whether others look for it in the record, so that it must not be in a journal alone.
	Shared() bool
	// Apply makes the change.
	Apply(*Parts)
}

// kind is what is known of a part before it is there.
type kind struct {
	name    string // of the field
	make    func() Part
	inBytes bool   // its encoding is within a byte string
	feature string // that a host must have where the part is not empty, if any
	lasts   bool   // it outlives the actor
}

// Parts are the parts of an actor, to be worked with. The zero value has none.
type Parts struct {
	held    []held // those that this program knows
	foreign *foreign
}

type held struct {
	kind *kind
	Part
	there bool // it is not empty, as of the last Fill: with time, a part may become so
}

// foreign is what this program does not know, and keeps.
type foreign struct {
	needs []string
	n     int
	pairs []byte // names and encodings
}

// Open decodes the parts of a record. The error is [ErrCorrupt].
func (r *Record) Open() (Parts, error) {
	var p Parts
	if err := guard(func() error { return p.decode(r) }); err != nil {
		return Parts{}, err
	}
	return p, nil
}

func (p *Parts) decode(r *Record) error {
	entries, err := codec.Entries(r.Parts)
	if err != nil {
		return err
	}
	var others foreign
	for _, e := range entries {
		k := kindOf(e.Name)
		if k == nil {
			others.n++
			others.pairs = append(others.pairs, e.Whole...)
			continue
		}
		part, err := k.decode(e.Value)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", k.name, err)
		case part == nil || part.Size() == 0:
		case !r.Created && !k.lasts:
			return errNotCreated
		default:
			p.held = append(p.held, held{kind: k, Part: part})
		}
	}
	for _, feature := range r.Needs {
		if !slices.ContainsFunc(known, func(k *kind) bool { return k.feature == feature }) {
			others.needs = append(others.needs, feature)
		}
	}
	if others.n > 0 || others.needs != nil {
		p.foreign = &others
	}
	return nil
}

// Lasting are the parts that outlive the actor, as [Record.Parts], or nil.
func (r *Record) Lasting() []byte {
	entries, err := codec.Entries(r.Parts)
	if err != nil {
		return nil
	}
	return joined(entries, func(e codec.Entry) bool { k := kindOf(e.Name); return k != nil && k.lasts })
}

func kindOf(name string) *kind {
	for _, k := range known {
		if k.name == name {
			return k
		}
	}
	return nil
}

// decode returns no part for one that is not there.
func (k *kind) decode(value []byte) (Part, error) {
	if isNil(value) {
		return nil, nil
	}
	if k.inBytes {
		var within []byte
		if err := codec.MsgPack.Unmarshal(value, &within); err != nil || len(within) == 0 {
			return nil, err
		}
		value = within
	}
	part := k.make()
	return part, part.Decode(value)
}

func (k *kind) append(b []byte, part Part) []byte {
	if !k.inBytes {
		return part.Append(b)
	}
	const head = 5 // at most, before a byte string
	at := len(b)
	b = part.Append(append(b, make([]byte, head)...))
	return codec.AppendBytes(b[:at], b[at+head:]) // which moves them to where they belong
}

// get is a part that is there, or nil. Nil parts have none.
func get[P Part](p *Parts, k *kind) (part P) {
	if p == nil {
		return part
	}
	for i := range p.held {
		if p.held[i].kind == k {
			return p.held[i].Part.(P)
		}
	}
	return part
}

// own is a part, which is made if it is not there.
func own[P Part](p *Parts, k *kind) P {
	for i := range p.held {
		if p.held[i].kind == k {
			return p.held[i].Part.(P)
		}
	}
	made := k.make()
	p.held = append(p.held, held{kind: k, Part: made})
	return made.(P)
}

// IsZero reports whether there are no parts.
func (p *Parts) IsZero() bool { return len(p.held) == 0 && p.foreign == nil }

// Size is how many bytes the parts take in the record, or more, without the answers: those have [AnswersRoom].
func (p *Parts) Size() int64 {
	size := int64(0)
	for i := range p.held {
		if p.held[i].kind != &answersPart {
			size += p.held[i].size()
		}
	}
	if p.foreign != nil {
		size += int64(len(p.foreign.pairs))
		for _, feature := range p.foreign.needs {
			size += textSize(feature)
		}
	}
	return size
}

// size is that of a part with its name, and that of the feature that it needs.
func (h *held) size() int64 {
	size := h.Part.Size()
	if size > 0 {
		size += textSize(h.kind.name) + maxHead + textSize(h.kind.feature)
	}
	return size
}

// Grown is how many bytes the parts would take after changes, or more.
func (p *Parts) Grown(changes []Change) int64 {
	size := p.Size()
	for _, c := range changes {
		size += c.Size(p)
	}
	return size
}

// Fill puts the parts, and what they need, into a record.
func (p *Parts) Fill(r *Record) {
	n, size := 0, int64(maxHead)
	for i := range p.held {
		h := &p.held[i]
		one := h.size()
		if h.there = one > 0; h.there {
			n, size = n+1, size+one
		}
	}
	r.Needs = p.needs()
	if p.foreign != nil {
		n, size = n+p.foreign.n, size+int64(len(p.foreign.pairs))
	}
	if n == 0 {
		r.Parts = nil
		return
	}
	b := codec.AppendMap(make([]byte, 0, size), n)
	for _, k := range known {
		i := slices.IndexFunc(p.held, func(h held) bool { return h.kind == k })
		if i < 0 || !p.held[i].there {
			continue
		}
		b = k.append(codec.AppendString(b, k.name), p.held[i].Part)
	}
	if p.foreign != nil {
		b = append(b, p.foreign.pairs...)
	}
	r.Parts = b
}

// needs are what the record needs for the parts that it is filled with, and what it has needed for other reasons.
func (p *Parts) needs() []string {
	if p.foreign == nil && len(p.held) == 1 && p.held[0].kind == &answersPart && p.held[0].there { // as of most actors
		return onlyAnswers
	}
	var needs []string
	if p.foreign != nil {
		needs = slices.Clip(p.foreign.needs)
	}
	for i := range p.held {
		if feature := p.held[i].kind.feature; feature != "" && p.held[i].there {
			needs = append(needs, feature)
		}
	}
	return needs
}

var onlyAnswers = []string{answersPart.feature}
