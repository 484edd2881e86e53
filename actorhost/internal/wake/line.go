package wake

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// subscriber is an actor with a durable subscription to an event of another.
type subscriber struct {
	id, source troupe.ID
}

// line has the events of one actor that another is to be told of. There is one notice under way for it at a time, for all
// that waits; when it fails, the newest is told again later, and makes up for the rest. So a subscriber that is slow, or
// always fails, holds up nobody else. It is guarded by the mutex of the waker.
type line struct {
	subscriber
	waiting []inLine
	running bool // it waits for a goroutine, or has one

	failures int       // in a row
	newest   uint64    // event in the log that is wanted again, if there were failures
	retry    time.Time // not before
	until    time.Time // it should have come by then
}

type inLine struct {
	*telling
	to store.Subscriber
}

// Before an event is told again that a subscriber has failed with, twice as long each time.
const firstRetry, lastRetry = time.Second, 30 * time.Second

// put puts an event into the line of a subscriber. The caller holds w.mu.
func (w *Waker) put(t *telling, to store.Subscriber) {
	s := subscriber{to.ID, t.Actor}
	l := w.lines[s]
	if l == nil {
		l = &line{subscriber: s}
		w.lines[s] = l
	}
	now := time.Now()
	switch {
	case l.failures > 0 && t.Sequence < l.newest && now.Before(l.until):
		w.answer(t, 0) // for the newest makes up for it
	case l.failures > 0 && now.Before(l.retry):
		l.newest = t.Sequence
		w.answer(t, l.retry.Sub(now))
	default:
		l.waiting = append(l.waiting, inLine{t, to})
		if !l.running {
			l.running = true
			w.ready = append(w.ready, l)
			if w.givers < noticesAtOnce {
				w.givers++
				w.running.Go(w.giveNotices)
			}
		}
	}
}

// giveNotices gives the notices of lines until none has anything that waits.
func (w *Waker) giveNotices() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.ready) > 0 {
		l := w.ready[0]
		w.ready[0] = nil
		w.ready = w.ready[1:]
		batch := l.waiting
		l.waiting = nil
		newest := batch[0]
		for _, one := range batch {
			if one.Sequence > newest.Sequence {
				newest = one
			}
		}
		w.mu.Unlock()
		err := w.notify(newest)
		w.mu.Lock()
		w.settle(l, batch, newest, err)
	}
	w.givers--
}

// notify calls one subscriber.
func (w *Waker) notify(one inLine) error {
	ctx, cancel := context.WithTimeout(w.config.Working, noticeTimeout)
	defer cancel()
	err := w.config.Call(ctx, troupe.Invocation{
		ID: one.to.ID, Action: wire.NoticeAction, Existing: true,
		In: wire.Notice{Source: one.Actor.Tokens(), Event: one.Event, Sequence: one.Sequence},
	})
	if errors.Is(err, troupe.ErrNotFound) {
		return w.index.Remove(ctx, one.to)
	}
	return err
}

// settle notes what has come of a notice. Of failures in a row the first is logged. The caller holds w.mu.
func (w *Waker) settle(l *line, batch []inLine, newest inLine, err error) {
	wait := time.Duration(0)
	switch {
	case err != nil:
		if l.failures == 0 && w.config.Staying.Err() == nil && !w.config.Conn.IsClosed() {
			w.config.Logger.Warn("a durable subscriber failed, and is told again until it does not",
				slog.String("actor_type", l.id.Type()), slog.String("actor_key", l.id.KeyString()),
				slog.String("event", newest.Event), slog.Any("error", err))
		}
		wait = min(firstRetry<<min(l.failures, 8), lastRetry)
		l.failures++
		l.newest = max(l.newest, newest.Sequence)
		l.retry = time.Now().Add(wait)
		l.until = l.retry.Add(lastRetry)
	case newest.Sequence >= l.newest:
		l.failures, l.newest = 0, 0
	}
	for _, one := range batch {
		if one.telling == newest.telling {
			w.answer(one.telling, wait)
		} else {
			w.answer(one.telling, 0)
		}
	}
	waiting := l.waiting // what has come meanwhile
	l.waiting, l.running = nil, false
	for _, one := range waiting {
		w.put(one.telling, one.to)
	}
	if !l.running && l.failures == 0 {
		delete(w.lines, l.subscriber)
	}
}
