package queues

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/bits"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/faults"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// callExtra is how much longer than a turn a call may take: the actor may wait for its host, or for other turns.
const callExtra = 30 * time.Second

// work hands the messages of a line over until there are no more.
func (p *Puller) work(l *line) {
	for more := true; more; {
		p.atATime(func() { more = p.workOn(l) })
	}
}

// atATime calls f when not too many others are called.
func (p *Puller) atATime(f func()) {
	p.calling <- struct{}{} // the wait ends: nobody has it for long
	free := sync.OnceFunc(func() { <-p.calling })
	slow := time.AfterFunc(slowCall, free)
	f()
	slow.Stop()
	free()
}

// workOn hands the next messages of a line over. It reports whether there were any.
func (p *Puller) workOn(l *line) bool {
	batch, acked := p.lines.next(l)
	if batch == nil {
		return false
	}
	batch = slices.DeleteFunc(batch, func(m *message) bool {
		switch {
		case p.lines.stale(m):
			p.lines.drop(m)
		case p.config.UntilStop.Err() != nil:
			p.giveBack(m)
		default:
			return false
		}
		p.lines.done(l, false, m)
		return true
	})
	if len(batch) == 0 {
		p.lines.untold(l, acked)
	} else {
		p.handOver(l, batch, acked)
	}
	return true
}

// handOver calls the actor of some messages, and sees to what becomes of them.
func (p *Puller) handOver(l *line, batch []*message, acked []string) {
	handling := p.config.Handling(batch[0].actor().Type(), batch[0].Queue)
	replies, err := p.call(batch, acked, handling)
	p.lines.ran(l, len(replies))
	if err != nil {
		p.lines.untold(l, acked)
		p.failed(l, batch, handling.Retries, err)
		return
	}
	p.config.Faults.Works(waiting)
	var handled []*message
	for i, reply := range replies[:min(len(replies), len(batch))] {
		m, failed := batch[i], reply.Err()
		switch {
		case reply.Dead != "":
			p.move(m, func(m *message) { p.lines.done(l, p.bury(m, reply.Dead), m) })
		case failed != nil:
			p.move(m, func(m *message) { p.seeTo(m, handling.Retries, failed, failed.Retryable); p.lines.done(l, false, m) })
		default:
			handled = append(handled, m)
		}
	}
	if len(handled) > 0 {
		p.config.Faults.Works(failing)
		faults.At(faults.BeforeMessageAck)
		p.lines.done(l, p.ack(handled...), handled...)
	}
	if len(replies) < len(batch) {
		p.lines.back(l, batch[len(replies):])
	}
}

// failed sees to messages of which nobody knows what has become. Of those that may have run it was the first, most likely.
func (p *Puller) failed(l *line, batch []*message, r Retries, err error) {
	failed := errs.As(err)
	notRun := failed.Retryable || errors.Is(err, troupe.ErrUnknownAction) || errors.Is(err, troupe.ErrUnknownType) ||
		errors.Is(err, troupe.ErrDenied) // or no program has the queue
	for i, m := range batch {
		p.move(m, func(m *message) {
			switch {
			case errors.Is(err, troupe.ErrNotFound) && m.Existing():
				p.lines.done(l, p.bury(m, Reason(failed)), m)
				return
			case i > 0 && !notRun:
				p.waits(m, leastWait)
			default:
				p.seeTo(m, r, failed, notRun)
			}
			p.lines.done(l, false, m)
		})
	}
}

// seeTo moves a message that was not handled to where it waits. If its handler has not run, that is no attempt.
func (p *Puller) seeTo(m *message, r Retries, failed *troupe.Error, notRun bool) {
	switch {
	case p.config.UntilStop.Err() != nil:
		p.giveBack(m)
	case notRun:
		p.config.Faults.Failed(waiting, store.Cause(failed), failed, m.about()...)
		p.waits(m, waitAgain(m.Waits()))
	default:
		p.tryAgain(m, r, failed)
	}
}

// call calls the actor of some messages. It returns what has become of the first of them: that is for the actor to say, for nobody
// else knows whether a message was handled. One that was tried often enough, without word of the actor, is not handled again.
func (p *Puller) call(batch []*message, acked []string, handling Handling) (replies []wire.QueuedReply, err error) {
	ctx, cancel := context.WithTimeout(p.config.UntilGivenUp, handling.Timeout+callExtra)
	defer cancel()
	first := batch[0]
	in := wire.QueuedBatch{Queue: first.Queue, Messages: make([]wire.Queued, len(batch)), Acked: acked}
	for i, m := range batch {
		one := m.queued()
		as, err := m.Codec()
		if err != nil { // the actor cannot read it either, and says so
			as = codec.JSON
		}
		one.JSON, one.Last = as == codec.JSON, one.Attempt >= handling.Retries.Attempts
		if one.Attempt > handling.Retries.Attempts {
			one.GiveUp = cmp.Or(m.Failure(), "it was tried often enough")
		}
		in.Messages[i] = one
	}
	err = p.config.Call(ctx, troupe.Invocation{
		ID: first.actor(), Action: wire.QueuedAction, Existing: first.Existing(), In: in, Out: &replies,
	})
	if err == nil && len(replies) == 0 {
		err = errs.New(troupe.CodeInternal, "the host of %s says nothing of a message", first.actor())
	}
	return replies, err
}

// ack takes messages out of their streams, and reports whether they are certainly gone. The server takes the acks of a connection for
// a feed in order, so word of the last is word of all.
func (p *Puller) ack(all ...*message) (gone bool) {
	ctx, cancel := context.WithTimeout(p.config.UntilGivenUp, ackTimeout)
	defer cancel()
	gone = true
	var last [2]*message // of each feed
	for _, m := range all {
		feed := 0
		if m.ripe {
			feed = 1
		}
		if before := last[feed]; before != nil && (before.Opened != m.Opened || !before.AckSent()) {
			gone = false
		}
		last[feed] = m
		p.lines.drop(m)
	}
	for _, m := range last {
		if m != nil && (m.AckAndWait(ctx) != nil || m.Lost()) {
			gone = false
		}
	}
	return gone
}

// giveBack has a message go to another host at once.
func (p *Puller) giveBack(m *message) {
	p.lines.drop(m)
	m.Nak(time.Millisecond)
}

// later moves a message to where it waits until a time.
func (p *Puller) later(m *message, at time.Time, moved *store.Message) {
	p.moved(m, func(ctx context.Context) error { return p.config.Queues.Later(ctx, moved, at) })
}

// waits moves a message that has not failed, to come again after a while.
func (p *Puller) waits(m *message, wait time.Duration) {
	p.later(m, p.config.Queues.Now().Add(wait), m.With(m.Attempts(), m.Waits()+1, ""))
}

// maxReason is how many bytes of an error are kept.
const maxReason = 300

// Reason is what is kept of an error, in one line.
func Reason(err *troupe.Error) string {
	reason := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, err.Error())
	return strings.ToValidUTF8(reason[:min(len(reason), maxReason)], "")
}

// tryAgain moves a message that has failed.
func (p *Puller) tryAgain(m *message, r Retries, failed *troupe.Error) {
	attempts := m.Attempts() + 1
	p.config.Faults.Failed(failing, "", failed, append(m.about(), slog.Int("attempts", attempts))...)
	p.later(m, p.config.Queues.Now().Add(r.After(attempts)), m.With(attempts, 0, Reason(failed)))
}

// bury makes a message a dead letter. It reports whether it is gone from where it was.
func (p *Puller) bury(m *message, why string) (gone bool) {
	attempts := m.Attempts() + 1
	dead := m.With(attempts, 0, why)
	moved, gone := p.moved(m, func(ctx context.Context) error { return p.config.Queues.Bury(ctx, dead) })
	if !moved {
		return false
	}
	p.gaveUp(m.about(), attempts, why)
	return gone
}

// gaveUp counts and logs a message that was given up.
func (p *Puller) gaveUp(about []slog.Attr, attempts int, why string) {
	if n := p.GivenUp.Add(1); bits.OnesCount64(uint64(n)) == 1 {
		const text = "a message of a queue was given up: troupe queue retry has it handled again"
		p.config.Logger.LogAttrs(context.Background(), slog.LevelError, text,
			append(about, slog.Int("attempts", attempts), slog.Int64("times", n), slog.String("error", why))...)
	}
}

// moveAgain is the pause before a move that has failed is tried again.
const moveAgain = time.Second

// moved moves a message and acks it. If it cannot be moved, it comes again. It reports whether it was moved, and
// is gone from where it was.
func (p *Puller) moved(m *message, move func(context.Context) error) (moved, gone bool) {
	faults.At(faults.BeforeMove)
	if p.lines.stale(m) {
		p.lines.drop(m)
		return false, false
	}
	ctx, cancel := context.WithTimeout(p.config.UntilGivenUp, moveTimeout)
	defer cancel()
	if err := move(ctx); err != nil {
		p.config.Faults.Failed(moving, store.Cause(err), fmt.Errorf("moving a message: %w", err), m.about()...)
		p.lines.drop(m)
		m.Nak(moveAgain)
		return false, false
	}
	p.config.Faults.Works(moving)
	faults.At(faults.AfterMove)
	return true, p.ack(m)
}
