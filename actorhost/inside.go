package actorhost

import (
	"sync/atomic"

	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/internal/record"
)

// inside is a turn that what runs beside the turns of an actor wants to take, or a change of the record. It waits in the
// mailbox like a call, and is over once it is stored.
type inside struct {
	do    func(a *activation, done func(error)) // calls done once, itself or by the gate
	state atomic.Int32
	done  chan error
}

// The states of an inside.
const (
	insideWaits int32 = iota
	insideRuns
	insideWithdrawn
)

// run is called by the goroutine of the turns.
func (in *inside) run(a *activation) {
	if in.state.CompareAndSwap(insideWaits, insideRuns) {
		in.do(a, in.finish)
	}
}

// finish tells who waits. Only the first time counts.
func (in *inside) finish(err error) {
	select {
	case in.done <- err:
	default:
	}
}

// inside has the goroutine of the turns do something, and waits until that is stored. The error is [ErrSuspended] when the
// actor ends here before it has begun.
func (b *beside) inside(do func(a *activation, done func(error))) error {
	in := &inside{do: do, done: make(chan error, 1)}
	switch b.a.offer(&work{kind: insideWork, arg: in}) {
	case mustRun:
		b.a.host.ready.Add(b.a)
	case activationClosed:
		return ErrSuspended
	}
	select {
	case err := <-in.done:
		return err
	case <-b.ctx.Done():
		if in.state.CompareAndSwap(insideWaits, insideWithdrawn) {
			return ErrSuspended
		}
		return <-in.done // the gate tells in any case
	}
}

// turn runs f as a turn of the actor, with more changes of the record if it succeeds, and waits until all is stored.
func (b *beside) turn(name string, f func(*Context) error, more ...record.Change) error {
	return b.inside(func(a *activation, done func(error)) {
		result, err := a.runTurn(turn{action: name}, f)
		if err != nil {
			done(err)
			return
		}
		result.Parts = append(result.Parts, more...)
		a.commitTurn(&result, &commit.Output{Done: done})
	})
}

// change changes the record, and waits until that is stored.
func (b *beside) change(changes ...record.Change) error {
	return b.inside(func(a *activation, done func(error)) { a.changeRecord(done, changes...) })
}

// changeRecord changes the record without a turn.
func (a *activation) changeRecord(done func(error), changes ...record.Change) {
	stored := len(a.storedState())
	err := a.cannotWrite(turn{})
	if err == nil {
		err = a.checkSize(stored, stored, changes)
	}
	if err != nil {
		done(err)
		return
	}
	a.gate.Pass(&commit.Output{Done: done}, &commit.Changes{Parts: changes})
	a.plan()
}
