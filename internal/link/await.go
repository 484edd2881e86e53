package link

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
)

// Wait is the wait for the outcome of one message that was sent over a connection.
type Wait struct {
	nc      *nats.Conn
	denials *denials
	subject string
	write   bool
	began   time.Time
	cancel  context.CancelFunc
	lost    chan nats.Status
	over    chan struct{}

	// Guarded by denials.mu.
	denied  error // it was not accepted
	unheard error // the connection does not hear the reply
	next    *Wait // for the same subject
}

// Await begins to wait for the outcome of a message that is about to be sent to a subject. The context ends after the
// timeout, when the connection is lost, and the reply with it, or when the server denies the message or the reply. Callers
// must End it.
func Await(ctx context.Context, nc *nats.Conn, subject string, timeout time.Duration) (context.Context, *Wait) {
	return await(ctx, nc, subject, false, timeout)
}

// AwaitWrite is Await for a message whose effect counts: see [Denials.Forsake].
func AwaitWrite(ctx context.Context, nc *nats.Conn, subject string, timeout time.Duration) (context.Context, *Wait) {
	return await(ctx, nc, subject, true, timeout)
}

func await(ctx context.Context, nc *nats.Conn, subject string, write bool, timeout time.Duration) (context.Context, *Wait) {
	w := &Wait{
		nc: nc, denials: denialsOf(nc), subject: subject, write: write, began: time.Now(),
		lost: nc.StatusChanged(nats.RECONNECTING, nats.CLOSED), over: make(chan struct{}),
	}
	ctx, w.cancel = context.WithTimeout(ctx, timeout)
	w.denials.await(w)
	go w.watch()
	return ctx, w
}

func (w *Wait) watch() {
	select {
	case <-w.lost:
		w.cancel()
	case <-w.over:
	}
}

// End ends the wait with an error, or with nil. If the message was denied it returns that, an error with
// [troupe.CodeDenied]. If it may have been accepted, and the reply was denied, it returns both errors.
func (w *Wait) End(err error) error {
	w.cancel()
	close(w.over)
	w.nc.RemoveStatusListener(w.lost)
	unknown := w.write && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded))
	denied, deaf := w.denials.leave(w, unknown)
	switch {
	case err == nil:
	case denied != nil:
		return denied
	case deaf != nil:
		return Unheard(err, deaf)
	}
	return err
}

// await adds a wait.
func (d *denials) await(w *Wait) {
	d.mu.Lock()
	defer d.mu.Unlock()
	w.next = d.waits[w.subject]
	d.waits[w.subject] = w
	if why := d.isDeaf(); why != nil { // so it is not sent
		w.denied = why
		w.cancel()
	}
}

// leave removes a wait, and returns the denial of its message, and of the reply. Unknown says that it is not known what has
// become of it.
func (d *denials) leave(w *Wait, unknown bool) (denied, deaf error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	first := d.waits[w.subject]
	switch {
	case first == w && w.next == nil:
		delete(d.waits, w.subject)
	case first == w:
		d.waits[w.subject] = w.next
	default:
		for first.next != w {
			first = first.next
		}
		first.next = w.next
	}
	if unknown && w.denied == nil {
		d.forsake(w.subject, w.began)
	}
	return w.denied, w.unheard
}

// end tells those who wait for the outcome of a message that was denied. Of several writes it cannot say which it was. The
// caller holds d.mu.
func (d *denials) end(denied denial) (handled bool) {
	first := d.waits[denied.subject]
	if !denied.publish || first == nil {
		return false
	}
	if first.write && first.next != nil {
		return true
	}
	for w := first; w != nil; w = w.next {
		w.denied = denied.err
		w.cancel()
	}
	return true
}

// A denial names the subject of a message, but not the message. If a message to the same subject was sent before, and nobody
// waits for its outcome any more, the denial may be that of the earlier one.

// forsaken is a message for whose outcome nobody waits any more.
type forsaken struct {
	subject string
	sent    time.Time
}

// denialLag is how long after a message was sent its denial may still come, while the connection holds.
const denialLag = 5 * time.Second

// maxForsaken is how many are remembered.
const maxForsaken = 4096

// forsake adds one. The caller holds d.mu.
func (d *denials) forsake(subject string, sent time.Time) {
	now, old := time.Now(), 0
	for old < len(d.forsaken) && (now.Sub(d.forsaken[old].sent) > denialLag || len(d.forsaken)-old >= maxForsaken) {
		old++
	}
	d.forsaken = slices.Delete(d.forsaken, 0, old)
	if now.Sub(sent) < denialLag {
		d.forsaken = append(d.forsaken, forsaken{subject, sent})
	}
}

// isForsaken reports whether a denial may be that of a message for which nobody waits, and forgets the message if so. The
// caller holds d.mu.
func (d *denials) isForsaken(denied denial) bool {
	if !denied.publish {
		return false
	}
	for i, one := range d.forsaken {
		if one.subject == denied.subject && time.Since(one.sent) < denialLag {
			d.forsaken = slices.Delete(d.forsaken, i, i+1)
			return true
		}
	}
	return false
}

// Denials are those of what one owner publishes over a connection.
type Denials struct {
	all  *denials
	stop func()
}

// Denial is a message or a subscription that the server denies.
type Denial struct {
	Publish bool
	Subject string
	Err     *troupe.Error
}

// Listen calls denied with each denial of the connection that is not that of who has just tried something, on a goroutine of
// the connection. It must not block, and reports whether the denial is the owner's own. Stop ends that.
func Listen(nc *nats.Conn, denied func(Denial) bool) *Denials {
	d := &Denials{all: denialsOf(nc)}
	d.stop = d.all.listen(func(one denial) bool { return denied(Denial{one.publish, one.subject, one.err}) })
	return d
}

// HearDenials calls denied for each message that the server denies, on a goroutine of the connection. It must not block, and
// reports whether the message is the owner's own. The subject is empty when the connection hears no replies any more. Stop
// ends that.
func HearDenials(nc *nats.Conn, denied func(subject string, err error) bool) *Denials {
	inbox := inboxPrefix(nc)
	return Listen(nc, func(one Denial) bool {
		if one.Publish {
			return denied(one.Subject, one.Err)
		}
		if strings.HasPrefix(one.Subject, inbox) {
			denied("", one.Err)
		}
		return false
	})
}

// Forsake says that the owner has sent a message to a subject, and does not wait for its outcome any more. A denial that
// comes yet must not be taken for that of a later message, which may have been accepted.
func (d *Denials) Forsake(subject string, sent time.Time) {
	d.all.mu.Lock()
	defer d.all.mu.Unlock()
	d.all.forsake(subject, sent)
}

// Stop ends it.
func (d *Denials) Stop() { d.stop() }

// DeniedSubject returns the subject that the server has denied, if an error says that.
func DeniedSubject(err error) (subject string, denied bool) {
	known, ok := errors.AsType[*troupe.Error](err)
	if !ok {
		return "", false
	}
	d, ok := parseDenial(known.Err)
	return d.subject, ok && d.subject != ""
}
