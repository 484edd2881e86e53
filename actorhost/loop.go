package actorhost

import (
	"context"
	"iter"
	"log/slog"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/record"
)

// Loop is what the run loop of an actor is given: see [ActorType.Loop]. It is a context.Context that is done when the actor
// falls asleep, moves to another host or loses its lease, and a troupe.Caller.
type Loop[S any] struct {
	besideCaller
}

// Loop has f run beside the turns of an actor for as long as it is awake, on one host at a time; the calls of the actor go on
// meanwhile. It starts after the on-wake hook. It touches the state in [Loop.Turn] only.
//
// While f runs, the actor does not fall asleep. It comes back without anybody calling: when its host dies or stops, another
// one wakes it, and f starts again from its beginning. So it does, after a pause of 1 s that doubles up to 5 minutes, when it
// fails or panics. When f returns nil, the loop is over until the actor wakes the next time.
//
// When its context is done, f must return, within a second: what it asks for from then on fails with [ErrSuspended]. Until
// it does, f may run on two hosts for a moment, but only the one that owns the actor can take turns.
func (t ActorType[R, S]) Loop(f func(*Loop[S]) error) ActorType[R, S] {
	t.loop = func(b *beside) error { return f(&Loop[S]{besideCaller{b.ctx, b}}) }
	return t
}

// Turn runs f as a turn of the actor, between two calls, and returns when what it has changed is stored. The Context is that
// of the turn. If f fails, nothing has changed, and Turn returns its error as a *troupe.Error. The error is [ErrSuspended]
// if the actor ends here before f has begun.
func (l *Loop[S]) Turn(f func(*S, *Context) error) error {
	return l.b.turn("loop", func(c *Context) error { return f(c.a.state.pointer().(*S), c) })
}

// Pause waits, and reports whether the loop is to go on: if not, its context is done. A pause that is longer than the
// SleepAfter of the type does not keep the actor awake: an alarm wakes it, and the loop starts again from its beginning,
// where the next such Pause returns as soon as this one would have. So a loop that pauses first, and then does something,
// does it at its times, whatever has happened in between. An actor has one pause of that kind.
func (l *Loop[S]) Pause(d time.Duration) bool {
	b := l.b
	if d < b.a.kind.config.SleepAfter {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			return b.ctx.Err() == nil
		case <-b.ctx.Done():
			return false
		}
	}
	for b.ctx.Err() == nil {
		err := b.pauseLong(d)
		if err == nil {
			return b.ctx.Err() == nil
		}
		if b.ctx.Err() == nil {
			b.a.failed(pausing, err)
			pause.For(b.ctx, markAgain)
		}
	}
	return false
}

// pausing is what may fail for long.
const pausing = "storing the pause of a run loop failed: it is tried again"

// besideCaller is what runs beside the turns of an actor, as its own code sees it.
type besideCaller struct {
	context.Context //nolint:containedctx // it is one

	b *beside
}

var _ troupe.Caller = (*Loop[struct{}])(nil)

// Value implements context.Context: with it as the context of a call, the call is the actor's.
func (c besideCaller) Value(key any) any {
	if key == (troupe.CallerKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// ID returns the actor's ID.
func (c besideCaller) ID() troupe.ID { return c.b.a.id }

// Key returns the parts of the actor's key.
func (c besideCaller) Key() []string { return c.b.a.id.Key() }

// Logger returns the host's logger with the actor in its fields.
func (c besideCaller) Logger() *slog.Logger { return c.b.a.actorLogger("") }

// Invoke makes a call on behalf of the actor: see [troupe.Action.Call].
func (c besideCaller) Invoke(ctx context.Context, call troupe.Invocation) error {
	return c.b.a.host.client.Invoke(ctx, call)
}

// Listen implements troupe.Caller: the subscription is that of the host's client, and must be ended by the loop.
func (c besideCaller) Listen(ctx context.Context, l troupe.ListenRequest) (troupe.Subscription, error) {
	return c.b.a.host.client.Listen(ctx, l)
}

// Replay implements troupe.Caller: see [troupe.DurableEvent.Replay].
func (c besideCaller) Replay(ctx context.Context, id troupe.ID, event string, from troupe.ReplayStart) iter.Seq2[troupe.Replayed, error] {
	return c.b.a.host.client.Replay(ctx, id, event, from)
}

// Push implements troupe.Caller: see [troupe.Queue.Push].
func (c besideCaller) Push(ctx context.Context, p troupe.PushRequest) error {
	return c.b.a.host.client.Push(ctx, p)
}

// DeadMessages implements troupe.Caller: see [troupe.Queue.Dead].
func (c besideCaller) DeadMessages(ctx context.Context, id troupe.ID, queue string) iter.Seq2[troupe.DeadMessage, error] {
	return c.b.a.host.client.DeadMessages(ctx, id, queue)
}

// startLoop starts the loop of an actor that has woken.
func (a *activation) startLoop() {
	loop := a.kind.loop
	if loop == nil || a.borrowed != nil || a.destroyed {
		return
	}
	a.loop = a.runBeside(func(b *beside) {
		if b.mark() {
			b.again("run loop", func() error { return loop(b) })
		}
	})
}

// loopWatch is when an actor is woken again whose loop has not gone on since its pause was over, because its host has died.
const loopWatch = 30 * time.Second

// pauseLong waits for the end of a pause that the record has, or of one that begins now.
func (b *beside) pauseLong(d time.Duration) error {
	if err := b.a.host.alarms.Open(b.ctx); err != nil {
		return err
	}
	over := make(chan struct{})
	err := b.inside(func(a *activation, done func(error)) {
		var stored int64
		a.gate.Read(func(p *record.Parts) {
			if one := p.Schedules().Find(record.LoopPause); one != nil {
				stored = one.Due
			}
		})
		now := ceilMilli(a.host.alarms.Now())
		switch {
		case a.loopRang || stored != 0 && stored <= now:
			close(over)
			done(nil)
			return
		case stored == 0:
			stored = now + d.Milliseconds()
			a.changeRecord(done, record.PutSchedule{Scheduled: record.Scheduled{
				Name: record.LoopPause, Action: record.LoopPause, Set: now, Due: stored,
			}})
		default:
			done(nil)
		}
		a.pause = over
	})
	if err != nil {
		return err
	}
	b.works.Store(false)
	select {
	case <-over:
	case <-b.ctx.Done():
		return nil
	}
	b.works.Store(true)
	return b.inside(func(a *activation, done func(error)) {
		a.loopRang = false
		a.changeRecord(done, record.RemoveSchedule{Name: record.LoopPause, Ran: true})
	})
}

// endPause ends the pause of the loop, which is due. The loop takes it off the record as it goes on. Should the host die
// before that, the actor wakes for it again.
func (a *activation) endPause(one *record.Scheduled) {
	again := *one
	again.Due = ceilMilli(a.host.alarms.Now().Add(loopWatch))
	a.changeRecord(func(error) {}, record.PutSchedule{Scheduled: again})
	a.loopRang = true
	if a.pause != nil {
		close(a.pause)
		a.pause = nil
	}
}
