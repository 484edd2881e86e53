package actorhost

import (
	"context"
	"iter"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/faults"
	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/record"
)

// Loop is what the run loop of an actor is given: see [ActorType.Loop]. It is a context.Context that is done when the actor
// falls asleep, moves to another host or loses its lease, and a troupe.Caller.
type Loop[S any] struct {
	besideCaller

	paused atomic.Bool // for long, since it began
}

// Loop has f run beside the turns of an actor for as long as it is awake, on one host at a time; the calls of the actor go on
// meanwhile. It starts after the on-wake hook. It touches the state in [Loop.Turn] only.
//
// While f runs, the actor does not fall asleep. It comes back without anybody calling: when its host dies or stops, another
// one wakes it, and f starts again from its beginning. So it does, after a pause of 1 s that doubles up to 5 minutes, when it
// fails or panics. When f returns nil, the loop is over until the actor wakes the next time.
//
// With troupe.DurableEvent.Follow a loop follows the events of many other actors.
//
// When its context is done, f must return, within a second: what it asks for from then on fails with [ErrSuspended]. Until
// it does, f may run on two hosts for a moment, but only the one that owns the actor can take turns.
func (t ActorType[R, S]) Loop(f func(*Loop[S]) error) ActorType[R, S] {
	t.loop = func(b *beside) error {
		ctx, cancel := context.WithCancel(b.ctx)
		defer cancel() // for what f has left behind
		return f(&Loop[S]{besideCaller: besideCaller{ctx, b}})
	}
	return t
}

// Turn runs f as a turn of the actor, between two calls, and returns when what it has changed is stored. The Context is that
// of the turn. If f fails, nothing has changed, and Turn returns its error as a *troupe.Error. The error is [ErrSuspended]
// if the actor ends here before f has begun.
func (l *Loop[S]) Turn(f func(*S, *Context) error) error {
	if l.Err() != nil {
		return ErrSuspended
	}
	return l.b.turn("loop", func(c *Context) error { return f(c.a.state.pointer().(*S), c) })
}

// Pause waits, and reports whether the loop is to go on: if not, its context is done. A pause that is not shorter than the
// SleepAfter of the type does not keep the actor awake: its end is stored, an alarm wakes the actor, and the loop starts again from
// its beginning. There its first such Pause takes up the one that is stored: it returns when that would have, at once if that is
// over. So a loop that pauses first, and then does something, does it at its times at least once, whatever has happened in
// between: also when it has failed, or its host has died, before it has come to the next Pause. An actor has one pause of that kind.
func (l *Loop[S]) Pause(d time.Duration) bool {
	if d >= l.b.a.kind.config.SleepAfter {
		return l.b.pauseLong(l, d, l.paused.Swap(true))
	}
	return pause.For(l, d) && l.Err() == nil
}

// pausing is what may fail for long.
const pausing = "storing the pause of a run loop failed: it is tried again"

// The pause between two tries doubles from pauseAgain to mostPauseAgain.
const pauseAgain, mostPauseAgain = 50 * time.Millisecond, 5 * time.Second

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
	return c.b.a.call(ctx, call)
}

// Listen implements troupe.Caller: the subscription is that of the host's client, and must be ended by the loop.
func (c besideCaller) Listen(ctx context.Context, l troupe.ListenRequest) (troupe.Subscription, error) {
	return c.b.a.host.client.Listen(ctx, l)
}

// Follow implements troupe.Caller: see [troupe.DurableEvent.Follow].
func (c besideCaller) Follow(ctx context.Context, r troupe.FollowRequest) iter.Seq2[troupe.Replayed, error] {
	return c.b.a.host.client.Follow(ctx, r)
}

// Replay implements troupe.Caller: see [troupe.DurableEvent.Replay].
func (c besideCaller) Replay(ctx context.Context, id troupe.ID, event string, from troupe.ReplayStart) iter.Seq2[troupe.Replayed, error] {
	return c.b.a.host.client.Replay(ctx, id, event, from)
}

// Stream implements troupe.Caller: see [troupe.Stream.Call].
func (c besideCaller) Stream(ctx context.Context, r troupe.StreamRequest) iter.Seq2[func(any) error, error] {
	return c.b.a.host.client.Stream(ctx, r)
}

// Push implements troupe.Caller: see [troupe.Queue.Push].
func (c besideCaller) Push(ctx context.Context, p troupe.PushRequest) error {
	return c.b.a.host.client.Push(ctx, p)
}

// Connect implements troupe.Caller: it fails.
func (besideCaller) Connect(_ context.Context, request troupe.ConnectRequest) (troupe.Conn, error) {
	return nil, cannotConnect(request.ID)
}

// DeadMessages implements troupe.Caller: see [troupe.Queue.Dead].
func (c besideCaller) DeadMessages(ctx context.Context, id troupe.ID, queue string) iter.Seq2[troupe.DeadMessage, error] {
	return c.b.a.host.client.DeadMessages(ctx, id, queue)
}

// startLoop starts the loop of an actor that has woken, or whose host has its lease again.
func (a *activation) startLoop() {
	loop, before := a.kind.loop, a.loop
	if loop == nil || a.borrowed != nil || a.destroyed || faults.Fencing && a.session.Lapsed() {
		return
	}
	a.pause = nil
	b := a.runBeside(func(b *beside) {
		if before != nil {
			before.awaitEnd()
		}
		if b.mark() {
			b.again("run loop", func() error {
				err := loop(b)
				if err == nil {
					b.pausesNoMore()
				}
				return err
			})
		}
	})
	a.mu.Lock()
	defer a.mu.Unlock() // for who asks about it
	a.loop = b
}

// heedsLease reports whether something runs beside the turns that must end with the lease.
func (a *activation) heedsLease() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.kind.loop != nil || len(a.streams) > 0
}

// stopOrStartLoop ends the loop, and all streams, when the host has lost its lease, for a while at least, and starts the loop when it
// has it.
func (a *activation) stopOrStartLoop() {
	if a.awake && faults.Fencing && a.session.Lapsed() {
		a.endStreams(errStreamLapsed)
	}
	switch runs := a.loop != nil && a.loop.ctx.Err() == nil; {
	case !a.awake:
	case faults.Fencing && a.session.Lapsed():
		if runs {
			a.loop.cancel()
		}
	case !runs && a.kind.loop != nil && (a.loop == nil || !a.loop.ended.Load()):
		a.startLoop()
	}
}

// pauseLong waits for the end of a pause: that which the record has, if the loop has just begun, or of one that begins now.
func (b *beside) pauseLong(ctx context.Context, d time.Duration, another bool) bool {
	due := ceilMilli(b.a.host.alarms.Now().Add(d))
	until := time.NewTimer(d) // for one that cannot be stored
	defer until.Stop()
	for again := pauseAgain; ctx.Err() == nil; again = min(2*again, mostPauseAgain) {
		over, err := b.storePause(due, another)
		if err == nil {
			select {
			case <-over:
			case <-ctx.Done():
			}
			return ctx.Err() == nil
		}
		if ctx.Err() == nil {
			b.a.failed(pausing, err)
		}
		retry := time.NewTimer(again)
		select {
		case <-until.C:
			return ctx.Err() == nil
		case <-ctx.Done():
		case <-retry.C:
		}
		retry.Stop()
	}
	return false
}

// storePause returns what is closed when the pause is over.
func (b *beside) storePause(due int64, another bool) (<-chan struct{}, error) {
	if err := b.a.host.alarms.Open(b.ctx); err != nil {
		return nil, err
	}
	if err := b.tryAlarm(due); err != nil {
		return nil, err
	}
	var over chan struct{}
	err := b.inside(func(a *activation, done func(error)) {
		if over = a.pause; over == nil {
			over = make(chan struct{})
		}
		stored := a.storedPause()
		switch now := ceilMilli(a.host.alarms.Now()); {
		case stored == 0, another, due < stored:
			if !a.changeRecord(done, record.PutSchedule{Scheduled: record.Scheduled{
				Name: record.LoopPause, Action: record.LoopPause, Set: now, Due: due,
			}}) {
				return
			}
		case stored <= now:
			close(over)
			a.pause = nil
			done(nil)
			return
		default:
			done(nil)
		}
		a.pause = over
	})
	return over, err
}

// tryAlarm sets the alarm for a pause if something could not be stored lately. If that cannot be, the pause is better not tried
// to be stored: it would end the activation.
func (b *beside) tryAlarm(due int64) error {
	if _, failed := b.a.host.setbacks.of(b.a.id); !failed {
		return nil
	}
	b.a.gate.Read(func(p *record.Parts) {
		if first := p.Schedules().First(); first != 0 {
			due = min(due, first)
		}
	})
	_, err := b.a.host.alarms.SetNow(b.ctx, b.a.id, due)
	return err
}

// storedPause is when the pause of the loop is over, or was; zero if it has none.
func (a *activation) storedPause() (due int64) {
	a.gate.Read(func(p *record.Parts) {
		if one := p.Schedules().Find(record.LoopPause); one != nil {
			due = one.Due
		}
	})
	return due
}

// pausesNoMore takes the pause of a loop that is over off the record.
func (b *beside) pausesNoMore() {
	for b.a.storedPause() != 0 && b.change(record.RemoveSchedule{Name: record.LoopPause, Ran: true}) != nil {
		if !pause.For(b.ctx, firstRetry) {
			return
		}
	}
}
