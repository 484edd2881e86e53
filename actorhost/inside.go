package actorhost

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/actorhost/internal/faults"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/wire"
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
	switch {
	case !in.state.CompareAndSwap(insideWaits, insideRuns):
	case faults.Fencing && !a.session.Valid():
		in.finish(errLeaseAway)
	default:
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

// errLeaseAway is why nothing was done. Either the lease comes back soon, or the actor ends here.
var errLeaseAway = errors.New("the host cannot prove now that it has its lease")

// leaseAgain is the pause before that is tried again.
const leaseAgain = 20 * time.Millisecond

// errWithinTurn refuses what would wait for itself.
var errWithinTurn = errs.New(troupe.CodeBadInput, "asked for within a turn of the same loop, which waits for it: ask outside of that")

// inside has the goroutine of the turns do something, and waits until that is stored. It waits behind the calls that have come
// before, however many, but is never refused for their number. The error is [ErrSuspended] when the actor ends here before it has
// begun.
func (b *beside) inside(do func(a *activation, done func(error))) error {
	stuck, stop := b.stuckTurn()
	defer stop()
	for waits := true; waits; {
		select {
		case b.waiting <- struct{}{}:
			waits = false
		case <-b.ctx.Done():
			return ErrSuspended
		case c := <-stuck:
			if b.turning.Load() == c {
				return errWithinTurn
			}
		}
	}
	defer func() { <-b.waiting }()
	for {
		switch err := b.insideOnce(do, stuck); {
		case errors.Is(err, errLeaseAway):
			if !pause.For(b.ctx, leaseAgain) {
				return ErrSuspended
			}
		case err == nil, errors.Is(err, ErrSuspended):
			return err
		default:
			b.refused.Store(true)
			return err
		}
	}
}

func (b *beside) insideOnce(do func(a *activation, done func(error)), stuck <-chan *Context) error {
	in := &inside{do: do, done: make(chan error, 1)}
	switch b.a.offer(&work{kind: insideWork, arg: in}) {
	case mustRun:
		b.a.host.ready.Add(b.a)
	case activationClosed:
		return ErrSuspended
	}
	for {
		select {
		case err := <-in.done:
			return err
		case <-b.ctx.Done():
			if in.state.CompareAndSwap(insideWaits, insideWithdrawn) {
				return ErrSuspended
			}
			return <-in.done // the gate tells in any case
		case c := <-stuck:
			if b.turning.Load() == c && in.state.CompareAndSwap(insideWaits, insideWithdrawn) {
				return errWithinTurn
			}
		}
	}
}

// stuckTurn returns a channel that yields the turn which the loop takes now, when its time is over. If that still runs then,
// it may wait for who asks.
func (b *beside) stuckTurn() (stuck <-chan *Context, stop func()) {
	c := b.turning.Load()
	if c == nil {
		return nil, func() {}
	}
	over, until := make(chan *Context, 1), time.Duration(0)
	if deadline, ok := c.Deadline(); ok {
		until = time.Until(deadline)
	}
	timer := time.AfterFunc(until, func() { over <- c })
	return over, func() { timer.Stop() }
}

// turn runs f as a turn of the actor, and waits until all is stored.
func (b *beside) turn(name string, f func(*Context) error) error {
	return b.inside(func(a *activation, done func(error)) {
		result, err := a.runTurn(turn{kind: wire.TurnLoop, action: name}, func(c *Context) error {
			b.turning.Store(c)
			defer b.turning.Store(nil)
			return f(c)
		})
		if err != nil {
			done(err)
			return
		}
		a.commitTurn(&result, &commit.Output{Done: done})
	})
}

// change changes the record, and waits until that is stored.
func (b *beside) change(changes ...record.Change) error {
	return b.inside(func(a *activation, done func(error)) { a.changeRecord(done, changes...) })
}

// changeRecord changes the record without a turn. It reports whether it has tried to.
func (a *activation) changeRecord(done func(error), changes ...record.Change) bool {
	if err := a.checkChanges(changes); err != nil {
		done(err)
		return false
	}
	a.gate.Pass(&commit.Output{Done: done}, &commit.Changes{Parts: changes})
	a.plan()
	return true
}
