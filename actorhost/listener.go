package actorhost

import (
	"context"
	"log/slog"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/pause"
)

// listener is an actor's subscription to an event. It ends with the activation that has made it.
type listener struct {
	a       *activation
	subject string
	sub     troupe.Subscription // of the host's client, whose queue holds what does not fit into the mailbox

	// Under the mutex of the activation.
	listening troupe.Listening
	ended     bool
}

// heardEvent is what a listener puts into the mailbox: an event or a gap.
type heardEvent struct {
	listener *listener
	delivery troupe.Delivery
	gap      troupe.Gap
}

// fullMailboxPause is the pause before an event is offered again to a mailbox that was full.
const fullMailboxPause = 5 * time.Millisecond

// enqueueEvent puts an event into the actor's mailbox.
func (l *listener) enqueueEvent(ctx context.Context, d troupe.Delivery) error {
	l.offer(ctx, &work{kind: eventWork, arg: &heardEvent{listener: l, delivery: d}})
	return nil
}

// enqueueGap puts a gap into the mailbox, if the actor wants to know.
func (l *listener) enqueueGap(ctx context.Context, gap troupe.Gap) error {
	if listening, ok := l.current(); ok && listening.Gap == nil {
		l.a.logger("").Error("events were missed", slog.String("event", gap.Event), slog.String("gap", gap.String()))
	} else {
		l.offer(ctx, &work{kind: gapWork, arg: &heardEvent{listener: l, gap: gap}})
	}
	return nil
}

// offer waits while the mailbox is full: the queue of the subscription holds what comes meanwhile.
func (l *listener) offer(ctx context.Context, w *work) {
	for {
		switch l.a.offer(w) {
		case mailboxFull:
			if pause.For(ctx, fullMailboxPause) {
				continue
			}
		case mustRun:
			l.a.host.ready.Add(l.a)
		case queued, duplicate, activationClosed:
		}
		return
	}
}

// current is what the subscription is for, unless it has ended.
func (l *listener) current() (troupe.Listening, bool) {
	l.a.mu.Lock()
	defer l.a.mu.Unlock()
	return l.listening, !l.ended
}

// Unsubscribe ends the subscription. Events that wait in the mailbox are dropped.
func (l *listener) Unsubscribe() error {
	l.a.mu.Lock()
	l.ended = true
	if l.a.listeners[l.subject] == l {
		delete(l.a.listeners, l.subject)
	}
	l.a.mu.Unlock()
	if l.sub == nil {
		return nil
	}
	return l.sub.Unsubscribe()
}
