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
		newest, last := batch[0], make(map[string]wire.Position, 1)
		for _, n := range batch {
			if newest.Before(n.Fed) {
				newest = n
			}
			if troupe.Position(last[n.Event]).Before(n.Place.Position) {
				last[n.Event] = wire.Position(n.Place.Position)
			}
		}
		err := w.notify(newest, last)
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
func (w *Waker) notify(n notice, last map[string]wire.Position) error {
	ctx, cancel := context.WithTimeout(w.config.UntilGivenUp, noticeTimeout)
	defer cancel()
	switch runs, err := w.config.Runs(ctx, n.to.ID.Type()); {
	case err != nil:
		return err
	case !runs: // a call would wait for a host
		return errNoHost
	}
	err := w.config.Call(ctx, troupe.Invocation{
		ID: n.to.ID, Action: wire.NoticeAction, Existing: true,
		In: wire.Notice{Source: n.Actor.Tokens(), Event: n.Event, Sequence: n.Sequence, Last: last},
	})
	if errors.Is(err, troupe.ErrNotFound) {
		return w.index.Remove(ctx, n.to)
	}
	return err
}
