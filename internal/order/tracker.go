// Package order tells a subscriber which events are new to it and which it has missed.
package order

import (
	"iter"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

// Tracker remembers the last event that one subscription has heard on each subject. The zero value has heard nothing.
// It is not safe for concurrent use.
type Tracker struct {
	last map[string]*troupe.Position // by subject
}

// maxSubjects bounds the memory of a subscription to many actors to some 30 MB. Beyond it each new subject replaces
// another; a gap before the next event of that one is not noticed.
const maxSubjects = 1 << 18

// Next handles an event that has arrived. It is fresh unless it or a later one was heard before. If there is a gap
// before it, after is the last event that was heard. An event without a position is always fresh.
func (o *Tracker) Next(subject string, p wire.Place) (after troupe.Position, gap, fresh bool) {
	if p.IsZero() {
		return troupe.Position{}, false, true
	}
	last := o.last[subject]
	if last == nil {
		o.add(subject, p.Position)
		return troupe.Position{}, false, true
	}
	after = *last
	if !after.Before(p.Position) {
		return after, false, false
	}
	*last = p.Position
	return after, !p.Follows(after), true
}

// Heard is the last event that was heard on a subject.
func (o *Tracker) Heard(subject string) (troupe.Position, bool) {
	if last := o.last[subject]; last != nil {
		return *last, true
	}
	return troupe.Position{}, false
}

// All yields the last event that was heard on each subject, in no particular order.
func (o *Tracker) All() iter.Seq2[string, troupe.Position] {
	return func(yield func(string, troupe.Position) bool) {
		for subject, last := range o.last {
			if !yield(subject, *last) {
				return
			}
		}
	}
}

// Skip counts all events of a subject up to p as heard. It reports whether some of them had not been; after is the last
// that had.
func (o *Tracker) Skip(subject string, p troupe.Position) (after troupe.Position, skipped bool) {
	after, known := o.Heard(subject)
	switch {
	case p.IsZero() || known && !after.Before(p):
		return after, false
	case known:
		*o.last[subject] = p
	default:
		o.add(subject, p)
	}
	return after, true
}

// GoBack has p be the last event that was heard on a subject, though later ones were: they are lost. The zero position is none.
func (o *Tracker) GoBack(subject string, p troupe.Position) {
	if delete(o.last, subject); !p.IsZero() {
		o.add(subject, p)
	}
}

func (o *Tracker) add(subject string, p troupe.Position) {
	if o.last == nil {
		o.last = make(map[string]*troupe.Position, 1)
	}
	if len(o.last) >= maxSubjects {
		for one := range o.last {
			delete(o.last, one)
			break
		}
	}
	o.last[subject] = &p
}
