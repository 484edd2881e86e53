package record

import (
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/troupe-go/troupe/codec"
)

var begunPart = kind{name: "begun", make: func() Part { return new(Begun) }}

// Begun are runs that were begun and have not ended, of what may have ended its host when it ran before.
type Begun struct {
	runs []begunRun
	size int64
}

type begunRun struct {
	What  string `json:"w"`
	Times int    `json:"n"`
}

// MaxBegun is how many an actor keeps in mind, and maxBegunName how long their names may be.
const MaxBegun, maxBegunName = 16, 2 << 10

// Begun returns the runs that have not ended, or nil.
func (p *Parts) Begun() *Begun { return get[*Begun](p, &begunPart) }

// Times is how often a run was begun and has not ended.
func (b *Begun) Times(what string) int {
	if b != nil {
		for _, r := range b.runs {
			if r.What == what {
				return r.Times
			}
		}
	}
	return 0
}

// All yields the runs that have not ended.
func (b *Begun) All() iter.Seq[string] {
	return func(yield func(string) bool) {
		if b == nil {
			return
		}
		for _, r := range b.runs {
			if !yield(r.What) {
				return
			}
		}
	}
}

func (r begunRun) size() int64 { return 1 + 2*2 + textSize(r.What) + 9 }

func (b *Begun) remove(what string) {
	b.runs = slices.DeleteFunc(b.runs, func(r begunRun) bool {
		if r.What == what {
			b.size -= r.size()
		}
		return r.What == what
	})
}

// Size implements [Part].
func (b *Begun) Size() int64 {
	if len(b.runs) == 0 {
		return 0
	}
	return maxHead + b.size
}

// Append implements [Part].
func (b *Begun) Append(dst []byte) []byte {
	dst = codec.AppendArray(dst, len(b.runs))
	for _, r := range b.runs {
		dst = codec.AppendString(codec.AppendString(codec.AppendMap(dst, 2), "w"), r.What)
		dst = codec.AppendUint(codec.AppendString(dst, "n"), uint64(r.Times))
	}
	return dst
}

// Decode implements [Part].
func (b *Begun) Decode(value []byte) error {
	var runs []begunRun
	if err := codec.MsgPack.Unmarshal(value, &runs); err != nil {
		return err
	}
	if len(runs) > MaxBegun {
		return errors.New("more runs were begun than an actor keeps in mind")
	}
	for _, r := range runs {
		if r.What == "" || len(r.What) > maxBegunName || r.Times < 1 || b.Times(r.What) > 0 {
			return fmt.Errorf("%.40q was begun %d times", r.What, r.Times)
		}
		b.runs = append(b.runs, r)
		b.size += r.size()
	}
	return nil
}

// BeginRun is the change that a run is about to begin.
type BeginRun struct{ What string }

// Size implements [Change].
func (c BeginRun) Size(*Parts) int64 { return maxHead + begunRun{What: c.What}.size() }

// Shared implements [Change].
func (BeginRun) Shared() bool { return false }

// Apply implements [Change].
func (c BeginRun) Apply(p *Parts) {
	b := own[*Begun](p, &begunPart)
	r := begunRun{c.What, b.Times(c.What) + 1}
	b.remove(c.What)
	if len(b.runs) == MaxBegun {
		b.remove(b.runs[0].What)
	}
	b.runs = append(b.runs, r)
	b.size += r.size()
}

// EndRun is the change that a run has ended, however.
type EndRun struct{ What string }

// Size implements [Change].
func (EndRun) Size(*Parts) int64 { return 0 }

// Shared implements [Change].
func (EndRun) Shared() bool { return false }

// Apply implements [Change].
func (c EndRun) Apply(p *Parts) {
	if b := p.Begun(); b != nil {
		b.remove(c.What)
	}
}
