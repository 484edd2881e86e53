package actorhost

import (
	"context"
	"errors"
	"log/slog"
	"math/bits"
	"runtime/debug"
	"time"

	"github.com/troupe-go/troupe/internal/origin"
	"github.com/troupe-go/troupe/internal/pause"
)

// besideGrace is how long an actor that ends waits for what runs beside its turns, which has been told to end.
const besideGrace = time.Second

// What runs beside the turns and fails is run again after times that double from firstRetry to mostRetry. One that has run
// for steadyAfter begins again with the first.
const steadyAfter = time.Minute

// runBeside starts a goroutine.
func (a *activation) runBeside(run func(*beside)) *beside {
	ctx, cancel := context.WithCancel(origin.With(a.host.ctx, origin.Origin{Host: &a.host.origin}))
	b := &beside{a: a, ctx: ctx, cancel: cancel, over: make(chan struct{})}
	b.works.Store(true)
	a.host.goroutines.Go(func() {
		defer close(b.over)
		defer b.works.Store(false)
		defer cancel()
		run(b)
	})
	return b
}

// endBeside ends what runs beside the turns, and reports whether it is to go on somewhere.
func (a *activation) endBeside() (goesOn bool) {
	a.giveUpResults()
	loop, flow := a.loop, a.flow
	for _, b := range [...]*beside{loop, flow} {
		if b != nil {
			b.cancel()
		}
	}
	loops := loop != nil && loop.works.Load() && !a.rests
	a.awaitEnd(loop)
	a.awaitEnd(flow)
	return !a.destroyed && (loops && !loop.ended.Load() || flow != nil)
}

// awaitEnd waits until what runs beside the turns has ended, but not for long.
func (a *activation) awaitEnd(b *beside) {
	if b == nil {
		return
	}
	timer := time.NewTimer(besideGrace)
	defer timer.Stop()
	select {
	case <-b.over:
	case <-timer.C:
		a.logger("").Warn("what runs beside the turns of an actor goes on though its context is done: it can change nothing more",
			slog.Duration("after", besideGrace))
	}
}

// again runs f until it returns without an error or the actor ends, with a pause after each failure.
func (b *beside) again(what string, f func() error) {
	for failures := 0; b.ctx.Err() == nil; {
		began := time.Now()
		err := b.guarded(f)
		switch {
		case err == nil && b.ctx.Err() == nil:
			b.ended.Store(true)
			return
		case err == nil, b.ctx.Err() != nil, errors.Is(err, ErrSuspended):
			return
		case time.Since(began) > steadyAfter:
			failures = 0
		}
		failures++
		wait := min(firstRetry<<min(failures-1, 16), mostRetry)
		b.a.host.loopFailures.Add(1)
		if bits.OnesCount(uint(failures)) == 1 {
			b.a.logger("").Error("a "+what+" failed and is run again", slog.Int("times", failures), slog.Duration("after", wait), slog.Any("error", err))
		}
		if !pause.For(b.ctx, wait) {
			return
		}
	}
}

// guarded calls f, and makes an error of a panic, and of a goroutine that f ends.
func (b *beside) guarded(f func() error) (err error) {
	over := make(chan error, 1)
	b.a.host.goroutines.Go(func() {
		failed := error(errGoexit)
		defer func() {
			if p := recover(); p != nil {
				failed = &panicError{p, debug.Stack()}
			}
			over <- failed
		}()
		failed = f()
	})
	return <-over
}

// mark has the actor woken elsewhere when this host dies. It is tried until it works, for until then nothing may run.
func (b *beside) mark() bool {
	for b.ctx.Err() == nil {
		ctx, cancel := context.WithTimeout(b.ctx, markTimeout)
		err := b.a.markUnsent(ctx)
		cancel()
		if err == nil {
			b.a.host.faults.Works(marking)
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
