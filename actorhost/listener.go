package actorhost

import (
	"context"
	"log/slog"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/origin"
	"github.com/troupe-go/troupe/internal/pause"
)

// listener is an actor's subscription to an event. It ends with its activation.
type listener struct {
	a       *activation
	subject string

	// Guarded by the activation's mutex.
	sub       troupe.Subscription // by the host's client, which queues what the mailbox has no room for; nil until made
	listening troupe.ListenRequest
	ended     bool
}

// heardEvent is what a listener puts into the mailbox: an event or a gap.
type heardEvent struct {
	listener *listener
	delivery troupe.Delivery
	gap      troupe.Gap
	arrived  time.Duration // on the host's clock
}

// fullMailboxPause is the pause before an event is offered to a full mailbox again.
const fullMailboxPause = 5 * time.Millisecond

// enqueueEvent puts an event into the actor's mailbox.
func (l *listener) enqueueEvent(ctx context.Context, d troupe.Delivery) error {
	l.offer(ctx, &work{kind: eventWork, arg: &heardEvent{listener: l, delivery: d, arrived: l.a.host.clock.Now()}})
	return nil
}

// enqueueGap puts a gap into the mailbox, or logs it if the actor does not handle gaps.
func (l *listener) enqueueGap(ctx context.Context, gap troupe.Gap) error {
	if listening, ok := l.current(); ok && listening.Gap == nil {
		l.a.logger("").Error("events were missed", slog.String("event", gap.Event), slog.String("gap", gap.String()))
	} else {
		l.offer(ctx, &work{kind: gapWork, arg: &heardEvent{listener: l, gap: gap, arrived: l.a.host.clock.Now()}})
	}
	return nil
}

// offer waits while the mailbox is full. Meanwhile events queue up in the subscription.
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

// listenFor replaces the handlers.
func (l *listener) listenFor(listening troupe.ListenRequest) {
	l.a.mu.Lock()
	defer l.a.mu.Unlock()
	l.listening = listening
}

// current returns what the subscription is for. It is not ok if the subscription has ended.
func (l *listener) current() (troupe.ListenRequest, bool) {
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
	sub := l.sub
	l.a.mu.Unlock()
	if sub == nil {
		return nil
	}
	return sub.Unsubscribe()
}

// Done implements troupe.Subscription. It is nil for one that another goroutine of the turn is about to make.
func (l *listener) Done() <-chan struct{} {
	if sub := l.made(); sub != nil {
		return sub.Done()
	}
	return nil
}

// Err implements troupe.Subscription.
func (l *listener) Err() error {
	if sub := l.made(); sub != nil {
		return sub.Err()
	}
	return nil
}

func (l *listener) made() troupe.Subscription {
	l.a.mu.Lock()
	defer l.a.mu.Unlock()
	return l.sub
}

// begin makes the subscription.
func (l *listener) begin(ctx context.Context, listening troupe.ListenRequest) error {
	listening.Handle, listening.Gap = l.enqueueEvent, l.enqueueGap // they call the handlers of listening when an event arrives
	listening.Once = false
	from := origin.Of(ctx)
	from.Relay = true
	sub, err := l.a.host.client.Listen(origin.With(ctx, from), listening)
	if err != nil {
		return err
	}
	l.a.mu.Lock()
	ended := l.ended
	l.sub = sub
	l.a.mu.Unlock()
	if ended { // meanwhile
		return sub.Unsubscribe()
	}
	return nil
}
