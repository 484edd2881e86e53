package queues

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/bits"
	"strings"
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

// work hands the messages of a line over, one after the other, until there are no more.
func (p *Puller) work(l *line) {
	for m, acked := p.lines.next(l); m != nil; m, acked = p.lines.next(l) {
		gone := false
		switch {
		case p.lines.stale(m):
			p.lines.drop(m)
			p.lines.untold(l, acked)
		case p.config.UntilStop.Err() != nil:
			p.giveBack(m)
		default:
			gone = p.handOver(l, m, acked)
		}
		if p.lines.done(l, m, gone) {
			p.running.Go(func() { p.work(l) })
		}
	}
}

// handOver calls the actor of a message, and sees to what becomes of that. It reports whether the message was handled and is gone.
func (p *Puller) handOver(l *line, m *message, acked []string) (gone bool) {
	handling := p.config.Handling(m.actor().Type(), m.Queue)
	dead, err := p.call(m, acked, handling)
	if err == nil {
		p.config.Faults.Works(waiting)
		if dead != "" {
			return p.bury(m, dead)
		}
		faults.At(faults.BeforeMessageAck)
		return p.ack(m)
	}
	p.lines.untold(l, acked)
	switch failed := errs.As(err); {
	case p.config.UntilStop.Err() != nil:
		p.giveBack(m)
	case errors.Is(err, troupe.ErrNotFound) && m.Existing():
		p.bury(m, Reason(failed))
	case failed.Retryable, errors.Is(err, troupe.ErrUnknownAction), errors.Is(err, troupe.ErrUnknownType), errors.Is(err, troupe.ErrDenied):
		// Nothing has run, or no program has the queue.
		p.config.Faults.Failed(waiting, store.Cause(err), err, m.about()...)
		p.waits(m, min(leastWait<<min(m.Waits(), 5), mostWait))
	default:
		p.tryAgain(m, handling.Retries, failed)
	}
	return false
}

// call calls the actor of a message. It returns why the message is given up, if it is: that is for the actor to say, for nobody
// else knows whether it was handled. A message that was tried often enough, without word of the actor, is not handled again.
func (p *Puller) call(m *message, acked []string, handling Handling) (dead string, err error) {
	as, err := m.Codec()
	if err != nil {
		return "", errs.New(troupe.CodeBadInput, "%v", err)
	}
	ctx, cancel := context.WithTimeout(p.config.UntilGivenUp, handling.Timeout+callExtra)
	defer cancel()
	in, attempt, reply := m.queued(), m.Attempts()+1, wire.QueuedReply{}
	in.JSON, in.Acked, in.Attempt, in.Last = as == codec.JSON, acked, attempt, attempt >= handling.Retries.Attempts
	if attempt > handling.Retries.Attempts {
		in.GiveUp = cmp.Or(m.Failure(), "it was tried often enough")
	}
	err = p.config.Call(troupe.WithRequestID(ctx, wire.QueuedRequest(&in)), troupe.Invocation{
		ID: m.actor(), Action: wire.QueuedAction, Existing: m.Existing(), In: in, Out: &reply,
	})
	return reply.Dead, err
}

// queued is the message as the actor gets it.
func (m *message) queued() wire.Queued {
	return wire.Queued{
		Queue: m.Queue, ID: m.ID, Sequence: m.Sequence, Ripe: m.ripe, Pushed: m.Pushed().UnixMilli(), Life: m.Life(), Body: m.Message.Data,
	}
}

// ack takes a message out of its stream, and reports whether it is certainly gone.
func (p *Puller) ack(m *message) bool {
	ctx, cancel := context.WithTimeout(p.config.UntilGivenUp, ackTimeout)
	defer cancel()
	err := m.AckAndWait(ctx)
	p.lines.drop(m)
	return err == nil
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
	if bits.OnesCount(uint(attempts)) == 1 {
		p.config.Logger.LogAttrs(context.Background(), slog.LevelWarn, "a message of a queue failed and is tried again",
			append(m.about(), slog.Int("attempts", attempts), slog.Any("error", failed))...)
	}
	p.later(m, p.config.Queues.Now().Add(r.after(attempts)), m.With(attempts, 0, Reason(failed)))
}

// bury makes a message a dead letter. It reports whether it is gone from where it was.
func (p *Puller) bury(m *message, why string) (gone bool) {
	attempts := m.Attempts() + 1
	dead := m.With(attempts, 0, why)
	moved, gone := p.moved(m, func(ctx context.Context) error { return p.config.Queues.Bury(ctx, dead) })
	if !moved {
		return false
	}
	if n := p.GivenUp.Add(1); bits.OnesCount64(uint64(n)) == 1 {
		p.config.Logger.LogAttrs(context.Background(), slog.LevelError, "a message of a queue was given up: troupe queue retry has it handled again",
			append(m.about(), slog.Int("attempts", attempts), slog.Int64("times", n), slog.String("error", why))...)
	}
	return gone
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
