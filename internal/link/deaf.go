package link

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/internal/pause"
)

// A server may take a subscription away that it has allowed, when its configuration changes or after a reconnect. It says so,
// and does not give it back by itself. Without its inboxes a connection hears no reply to anything.

// deafness is why a connection hears no replies.
type deafness struct {
	why        error
	reconnects uint64 // of the connection until then: with each it subscribes anew
}

// inboxPrefix is what all inboxes of a connection begin with.
func inboxPrefix(nc *nats.Conn) string {
	inbox := nc.NewInbox()
	return inbox[:strings.LastIndexByte(inbox, '.')+1]
}

// IsInbox reports whether a subject of a subscription is one of inboxes of a connection.
func IsInbox(nc *nats.Conn, subject string) bool { return strings.HasPrefix(subject, inboxPrefix(nc)) }

// deafen notes that a subscription was denied which nobody has just made, and ends the waits if it was one for replies. The
// caller holds d.mu.
func (d *denials) deafen(denied denial) {
	if denied.publish || !strings.HasPrefix(denied.subject, d.inbox) {
		return
	}
	d.deaf.Store(&deafness{denied.err, d.nc.Stats().Reconnects})
	for _, first := range d.waits {
		for w := first; w != nil; w = w.next {
			w.unheard = denied.err
			w.cancel()
		}
	}
}

// isDeaf returns why the connection hears no replies, or nil.
func (d *denials) isDeaf() error {
	is := d.deaf.Load()
	if is == nil {
		return nil
	}
	if d.nc.Stats().Reconnects != is.reconnects {
		d.deaf.CompareAndSwap(is, nil)
		return nil
	}
	return is.why
}

// Deaf returns why the connection hears no replies, an error with [troupe.CodeDenied], or nil.
func (d *Denials) Deaf() error { return d.all.isDeaf() }

// Unheard is the error of something that was sent, and whose reply cannot be heard.
func Unheard(err, why error) error { return fmt.Errorf("%w: the reply cannot be heard: %w", err, why) }

// hearAgain and hearAgainAtMost are the pauses before a subscription that was denied is tried again.
const hearAgain, hearAgainAtMost = time.Second, 10 * time.Second

// KeepHearing has a connection subscribe anew when a subscription that is needed was denied, and is allowed again. Tell is
// called with the denial each time that it is tried, and with nil once it is allowed. If it is nil, the error handler of the
// connection is told. Stop waits for what KeepHearing does.
func KeepHearing(nc *nats.Conn, needed func(subject string) bool, tell func(error)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	d, lost := denialsOf(nc), make(chan denial, 1)
	var running sync.WaitGroup
	stopListening := d.listen(func(one denial) bool {
		if one.publish || one.subject == "" || !needed(one.subject) {
			return false
		}
		select {
		case lost <- one:
		default: // one is enough: all are made anew
		}
		return tell != nil
	})
	stopWatching := WhenClosed(nc, func(error) { cancel() })
	running.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case one := <-lost:
				d.resubscribe(ctx, one, tell)
			}
		}
	})
	return func() {
		stopListening()
		stopWatching()
		cancel()
		running.Wait()
	}
}

// resubscribe waits until a subscription is allowed again, and makes all anew.
func (d *denials) resubscribe(ctx context.Context, one denial, tell func(error)) {
	if tell == nil {
		tell = func(error) {}
	}
	tell(one.err)
	reconnects := d.nc.Stats().Reconnects
	for wait := hearAgain; pause.For(ctx, wait); wait = min(2*wait, hearAgainAtMost) {
		if d.nc.Stats().Reconnects != reconnects { // by itself: then it may be denied again
			tell(nil)
			return
		}
		switch err := d.trySubscription(ctx, one.subject); {
		case IsRefusal(err):
			tell(err)
		case err == nil:
			d.reconnect(reconnects)
			tell(nil)
			return
		}
	}
}

// trySubscription subscribes for a moment.
func (d *denials) trySubscription(ctx context.Context, subject string) error {
	guard := GuardSubscription(ctx, d.nc, subject)
	defer guard.End()
	sub, err := d.nc.SubscribeSync(subject)
	if err != nil {
		return err
	}
	defer func() { _ = sub.Unsubscribe() }() // fails only if the connection is closed
	return guard.Flush(hearAgainAtMost)
}

// reconnect has the connection reconnect, unless it has since.
func (d *denials) reconnect(since uint64) {
	d.mu.Lock()
	first := d.reconnecting != since+1
	d.reconnecting = since + 1
	d.mu.Unlock()
	if first {
		_ = d.nc.ForceReconnect() // fails only if the connection is closed
	}
}
