package actorhost

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/bits"
	"time"

	"github.com/troupe-go/troupe/actorhost/internal/faults"
	"github.com/troupe-go/troupe/internal/origin"
	"github.com/troupe-go/troupe/internal/pause"
)

// besideGrace is how long an actor that ends waits for what runs beside its turns, which has been told to end.
const besideGrace = time.Second

// maxInside is how much may wait at a time for the turns of what runs beside them.
const maxInside = 64

// runBeside starts a goroutine. If run ends it by runtime.Goexit, which counts as a failure, it is called again in another one.
func (a *activation) runBeside(run func(*beside)) *beside {
	ctx, cancel := context.WithCancel(origin.With(a.host.ctx, origin.Origin{Host: &a.host.origin}))
	b := &beside{
		a: a, ctx: ctx, cancel: cancel, waiting: make(chan struct{}, maxInside), marked: make(chan struct{}), over: make(chan struct{}),
	}
	a.host.goroutines.Go(func() { b.run(run) })
	return b
}

func (b *beside) run(f func(*beside)) {
	returned := false
	defer func() {
		if returned {
			b.cancel()
			close(b.over)
			return
		}
		b.failed("goroutine beside the turns", errGoexit)
		b.a.host.goroutines.Go(func() { b.run(f) })
	}()
	f(b)
	returned = true
}

// endBeside ends what runs beside the turns, once all that it has changed is stored or refused. It reports whether it is to go on
// somewhere.
func (a *activation) endBeside() (goesOn bool) {
	loop, flow := a.loop, a.flow
	for _, b := range [...]*beside{loop, flow} {
		if b != nil {
			b.cancel()
		}
	}
	if flow != nil {
		a.endBegunSteps()
	}
	failed := a.gate.Settle() != nil // then a pause may not be stored
	for _, b := range [...]*beside{loop, flow} {
		if b != nil {
			b.awaitEnd()
		}
	}
	loops := loop != nil && !a.rests && !loop.ended.Load() && (a.pause == nil || failed)
	return !a.gone && (loops || flow != nil)
}

// awaitEnd waits until what has been told to end has ended, but not for long.
func (b *beside) awaitEnd() {
	timer := time.NewTimer(besideGrace)
	defer timer.Stop()
	select {
	case <-b.over:
	case <-timer.C:
		b.logGoesOn()
	}
}

func (b *beside) logGoesOn() {
	b.a.logger("").Warn("what runs beside the turns of an actor goes on though its context is done: it can change nothing more",
		slog.Duration("after", besideGrace))
}

// again runs f until it returns without an error or the actor ends, with a pause after each failure.
func (b *beside) again(what string, f func() error) {
	for b.awaitSetback() {
		b.refused.Store(false)
		err, suspended := b.guarded(f)
		switch ends := b.ctx.Err() != nil; {
		case ends && b.refused.Load(): // perhaps for that: it must not begin again at once
			b.setBack(cmp.Or(err, errRefused))
			return
		case ends:
			return
		case err == nil, suspended:
			b.ended.Store(true)
			return
		}
		b.failed(what, err)
	}
}

// awaitSetback waits until what has failed may run again, and reports whether the actor does not end before that.
func (b *beside) awaitSetback() bool {
	last, ok := b.a.host.setbacks.of(b.a.id)
	return (!ok || pause.For(b.ctx, time.Until(last.until))) && b.ctx.Err() == nil
}

var errRefused = errors.New("what it has changed could not be stored")

// failed notes a failure, and logs the 1st, the 2nd, the 4th and so on.
func (b *beside) failed(what string, err error) {
	if last := b.setBack(err); bits.OnesCount(uint(last.times)) == 1 {
		b.a.logger("").Error("a "+what+" failed and is run again", slog.Int("times", last.times),
			slog.Duration("after", time.Until(last.until)), slog.Any("error", err))
	}
}

func (b *beside) setBack(err error) setback {
	b.a.host.loopFailures.Add(1)
	return b.a.host.setbacks.add(b.a.id, fmt.Sprint(err)) // which takes an Error method that panics
}

// guarded calls f, and makes an error of a panic. It reports whether the error says that f was suspended.
func (b *beside) guarded(f func() error) (err error, suspended bool) { //nolint:revive // what the error is comes after it
	func() {
		defer func() {
			if p := recover(); p != nil {
				err = panicked(p)
			}
		}()
		err = f()
	}()
	if protect(func() error { suspended = errors.Is(err, ErrSuspended); return nil }) != nil { // methods of the error run
		suspended = false
	}
	return err, suspended
}

// mark has the actor woken elsewhere when this host dies. It is tried until it works, for until then nothing may run.
func (b *beside) mark() bool {
	select {
	case <-b.marked:
		return true
	default:
	}
	for b.ctx.Err() == nil {
		ctx, cancel := context.WithTimeout(b.ctx, markTimeout)
		var err error
		if faults.Marking {
			err = b.a.markUnsent(ctx)
		}
		cancel()
		if err == nil {
			b.a.host.faults.Works(marking)
			close(b.marked)
			return true
		}
		b.a.failed(marking, err)
		if !pause.For(b.ctx, markAgain) {
			break
		}
	}
	return false
}

// marking is what may fail for long.
const marking = "marking an actor as one that runs failed: what runs beside its turns waits"

const markTimeout, markAgain = 5 * time.Second, time.Second
