package wake

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

// noticeTimeout limits one notice. A subscriber that cannot be reached in that time is notified again.
const noticeTimeout = 30 * time.Second

// runNotifier is a notifier: it sends the notices of one retry queue after the other until no queue is ready.
func (w *Waker) runNotifier() {
	for q, batch := w.queues.next(); q != nil; q, batch = w.queues.next() {
		newest, last, again := batch[0], make(map[string]wire.Position, 1), false
		for _, n := range batch {
			if newest.Before(n.Fed) {
				newest = n
			}
			if troupe.Position(last[n.Event]).Before(n.Place.Position) {
				last[n.Event] = wire.Position(n.Place.Position)
			}
			again = again || n.Delivered > 1
		}
		err := w.notify(newest, last, again)
		if w.queues.settle(q, batch, newest, err) {
			w.logFailure(newest, err)
		}
	}
}

var errNoHost = errors.New("no host runs actors of its type")

// noHostLogPause is the pause between two lines about the followers of a type that no host runs: that may last as long as
// their events are kept.
const noHostLogPause = time.Hour

func (w *Waker) logFailure(n notice, err error) {
	switch {
	case w.config.UntilStop.Err() != nil, w.config.Conn.IsClosed():
		return
	case errors.Is(err, errNoHost) && !w.lines.may(n.to.ID.Type(), time.Now()):
		return
	}
	w.config.Logger.Warn("a durable subscriber failed and is retried",
		slog.String("actor_type", n.to.ID.Type()), slog.String("actor_key", n.to.ID.KeyString()),
		slog.String("event", n.Event), slog.Uint64("deliveries", n.Delivered), slog.Any("error", err))
}

// notify calls one subscriber. If that no longer subscribes, notify removes it from the index.
func (w *Waker) notify(n notice, last map[string]wire.Position, again bool) error {
	told := wire.Notice{Source: n.Actor.Tokens(), Event: n.Event, Sequence: n.Sequence, Last: last, Again: again}
	err := w.config.notice(w.config.UntilGivenUp, n.to.ID, told)
	if errors.Is(err, troupe.ErrNotFound) {
		return w.index.Remove(w.config.UntilGivenUp, n.to)
	}
	return err
}

// notice calls a subscriber.
func (c *Config) notice(ctx context.Context, to troupe.ID, n wire.Notice) error {
	ctx, cancel := context.WithTimeout(ctx, noticeTimeout)
	defer cancel()
	switch runs, err := c.Runs(ctx, to.Type()); {
	case err != nil:
		return err
	case !runs: // a call would wait for a host
		return errNoHost
	}
	return c.Call(ctx, troupe.Invocation{ID: to, Action: wire.NoticeAction, Existing: true, In: n})
}

// sendLeft wakes an actor that may have unsent events in its record. As it wakes, it sends them.
func (c *Config) sendLeft(ctx context.Context, id troupe.ID) error {
	ctx, cancel := context.WithTimeout(ctx, noticeTimeout)
	defer cancel()
	err := c.Call(ctx, troupe.Invocation{ID: id, Action: wire.NoticeAction, Existing: true, In: wire.Notice{}})
	if errors.Is(err, troupe.ErrNotFound) { // it does not exist, or is awake
		return nil
	}
	return err
}
