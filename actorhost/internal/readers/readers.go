// Package readers keeps the book of the readers of an actor: what runs without changing it, several at a time.
//
// A reader begins on the goroutine of the actor's turns, and most end there. One that waits, or takes longer than [LendAfter] while
// others wait, lends that role: it runs on, and another goroutine takes the next turn.
//
// Some readers run beside the turns: they read a copy, and nothing waits for them.
package readers

import (
	"slices"
	"time"
)

// LendAfter is how long a reader keeps others from beginning.
const LendAfter = 200 * time.Microsecond

// Most is how many readers may have lent their role at a time.
const Most = 256

// Book is about the readers of one actor, each of which is a T that runs on a goroutine. ID is what others may know it by. The
// lock of the actor guards it. A nil Book has no readers.
type Book[ID comparable, T any] struct {
	late      func() // called when a reader may have run for too long, without the lock
	inline    reader[ID, T]
	lent      []reader[ID, T]
	beside    []reader[ID, T] // the turns
	exited    int             // so many have lent their role, and have ended their goroutines
	unchecked []string
	waited    bool
	timer     *time.Timer // nil until others wait for the first time
	armed     bool        // it will fire
}

type reader[ID comparable, T any] struct {
	goroutine uint64 // 0: there is none
	id        ID
	what      T
}

// New returns a Book that calls late when a reader may have run for too long: see [Book.Late].
func New[ID comparable, T any](late func()) *Book[ID, T] { return &Book[ID, T]{late: late} }

// Begin is told of a reader that begins on the goroutine of the turns, and how many wait behind it.
func (b *Book[ID, T]) Begin(goroutine uint64, id ID, what T, waiting int) {
	b.inline = reader[ID, T]{goroutine, id, what}
	b.Behind(waiting)
}

// Behind is told how many wait behind the reader on the goroutine of the turns, if there is one.
func (b *Book[ID, T]) Behind(waiting int) {
	switch {
	case b == nil || b.inline.goroutine == 0 || b.armed || waiting == 0:
		return
	case b.timer == nil:
		b.timer = time.AfterFunc(LendAfter, b.late)
	default:
		b.timer.Reset(LendAfter)
	}
	b.armed = true
}

// Late is to be called first by the function that [New] was given. It returns the reader that may have run for too long.
func (b *Book[ID, T]) Late() (what T, ok bool) {
	b.armed = false
	return b.inline.what, b.inline.goroutine != 0
}

// Runs reports whether the reader on a goroutine has not lent its role.
func (b *Book[ID, T]) Runs(goroutine uint64) bool { return b != nil && b.inline.goroutine == goroutine }

// Lend has the reader on the goroutine of the turns lend that role.
func (b *Book[ID, T]) Lend() {
	b.lent = append(b.lent, b.inline)
	b.inline = reader[ID, T]{}
}

// End is told that what a reader does is over. It reports whether that has lent its role: then there is more to be done, until
// [Book.Over]. Alone reports whether no others run that have.
func (b *Book[ID, T]) End(goroutine uint64) (lent, alone bool) {
	if b == nil {
		return false, true
	}
	if b.inline.goroutine == goroutine {
		b.inline = reader[ID, T]{}
		return false, len(b.lent) == 0
	}
	lent = slices.ContainsFunc(b.lent, func(r reader[ID, T]) bool { return r.goroutine == goroutine })
	return lent, len(b.lent) == 0
}

// BeginBeside is told of a reader that begins beside the turns.
func (b *Book[ID, T]) BeginBeside(goroutine uint64, id ID, what T) {
	b.beside = append(b.beside, reader[ID, T]{goroutine, id, what})
}

// EndBeside is told that such a reader is over, if there is one on that goroutine.
func (b *Book[ID, T]) EndBeside(goroutine uint64) { b.beside = without(b.beside, goroutine) }

func without[ID comparable, T any](all []reader[ID, T], goroutine uint64) []reader[ID, T] {
	return slices.DeleteFunc(all, func(r reader[ID, T]) bool { return r.goroutine == goroutine })
}

// Over is told that a reader is over that had lent its role. It reports whether the goroutine of the turns goes on which has left because
// it had to wait.
func (b *Book[ID, T]) Over(goroutine uint64, readerNext bool) (goOn bool) {
	b.lent = without(b.lent, goroutine)
	if goOn = b.waited && (len(b.lent) == 0 || readerNext); goOn {
		b.waited = false
	}
	return goOn
}

// Exit is told of a reader that has lent its role, or ran beside the turns, and whose goroutine ends.
func (b *Book[ID, T]) Exit() { b.exited++ }

// Exited reports whether a goroutine that has ended was that of such a reader, and not one of the turns. Of several, it does not
// matter which.
func (b *Book[ID, T]) Exited() bool {
	if b == nil || b.exited == 0 {
		return false
	}
	b.exited--
	return true
}

// Len is how many readers have lent their role and run.
func (b *Book[ID, T]) Len() int {
	if b == nil {
		return 0
	}
	return len(b.lent)
}

// Full reports whether no other may begin.
func (b *Book[ID, T]) Full() bool { return b.Len() >= Most }

// Wait is told that the goroutine of the turns leaves, because what is next must wait for readers.
func (b *Book[ID, T]) Wait() { b.waited = true }

// Find returns the reader with an id that has lent its role, or runs beside the turns. It is not ok if there is none, or the id is
// zero.
func (b *Book[ID, T]) Find(id ID) (what T, ok bool) {
	var none ID
	if b == nil || id == none {
		return what, false
	}
	return b.find(func(r reader[ID, T]) bool { return r.id == id })
}

// Has reports whether there is such a reader.
func (b *Book[ID, T]) Has(id ID) bool {
	_, ok := b.Find(id)
	return ok
}

// On returns such a reader on a goroutine. It is not ok if there is none.
func (b *Book[ID, T]) On(goroutine uint64) (what T, ok bool) {
	if b == nil {
		return what, false
	}
	return b.find(func(r reader[ID, T]) bool { return r.goroutine == goroutine })
}

func (b *Book[ID, T]) find(is func(reader[ID, T]) bool) (what T, ok bool) {
	for _, readers := range [...][]reader[ID, T]{b.lent, b.beside} {
		if i := slices.IndexFunc(readers, is); i >= 0 {
			return readers[i].what, true
		}
	}
	return what, false
}

// All returns the readers that have lent their role, and those beside the turns, each of them the oldest first.
func (b *Book[ID, T]) All() (all []T) {
	if b == nil {
		return nil
	}
	for _, readers := range [...][]reader[ID, T]{b.lent, b.beside} {
		for _, r := range readers {
			all = append(all, r.what)
		}
	}
	return all
}

// CheckLater notes that a reader with a name is to be checked.
func (b *Book[ID, T]) CheckLater(name string) {
	if !slices.Contains(b.unchecked, name) {
		b.unchecked = append(b.unchecked, name)
	}
}

// Unchecked takes the names of those that are to be checked, when no reader runs.
func (b *Book[ID, T]) Unchecked() (names []string) {
	if !b.HasUnchecked() {
		return nil
	}
	names, b.unchecked = b.unchecked, nil
	return names
}

// HasUnchecked reports whether there are such names.
func (b *Book[ID, T]) HasUnchecked() bool {
	return b != nil && len(b.lent) == 0 && len(b.unchecked) > 0
}
