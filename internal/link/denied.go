package link

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/pause"
)

// When a user may not publish or subscribe to a subject, the server says so in an error of the connection. The error
// names the subject but not the message, so whoever sent it would wait in vain. This file passes the error on to them.

// denial is a publish or a subscription that the server refused.
type denial struct {
	publish bool   // false: a subscription
	subject string // empty: the server has not said which subscription was one too many
	err     *troupe.Error
}

// parseDenial reads an error of a connection.
func parseDenial(err error) (denial, bool) {
	switch {
	case errors.Is(err, nats.ErrMaxSubscriptionsExceeded):
		return denial{err: &troupe.Error{Code: troupe.CodeOverloaded, Retryable: true, Err: err,
			Message: "the NATS connection has as many subscriptions as it may: end some, or raise the limit of the server or the " +
				"account (max_subscriptions)"}}, true
	case !errors.Is(err, nats.ErrPermissionViolation):
		return denial{}, false
	}
	_, text, _ := strings.Cut(err.Error(), "Permissions Violation for ")
	quoted, publish := strings.CutPrefix(text, "Publish to ")
	quoted = strings.TrimPrefix(quoted, "Subscription to ")
	quoted, bad := strconv.QuotedPrefix(quoted) // a queue group may follow
	if bad != nil {
		return denial{}, false
	}
	subject, bad := strconv.Unquote(quoted)
	if bad != nil {
		return denial{}, false
	}
	verb := "subscribe"
	if publish {
		verb = "publish"
	}
	return denial{publish, subject, &troupe.Error{Code: troupe.CodeDenied, Err: err,
		Message: fmt.Sprintf("NATS does not allow this user to %s to %s", verb, quoted)}}, true
}

// denials passes the denials on one connection to those who may have caused them.
type denials struct {
	nc    *nats.Conn
	inbox string // what its inboxes begin with
	deaf  atomic.Pointer[deafness]
	next  nats.ErrHandler // of the connection, before there was this one

	mu        sync.Mutex
	listeners map[*listener]struct{}
	waits     map[string]*Wait // by subject
	forsaken  []forsaken
	last      error         // the newest error of the connection, a denial or not
	newer     chan struct{} // closed when there is a newer error

	seconds []*nats.Conn // see [Second]

	reconnecting uint64 // the number of the last reconnect that was asked for
}

// listener is called with each denial, under the mutex of its denials. It reports whether the denial is its own.
type listener struct {
	notify  func(denial) bool
	guarded bool // it is of who has just sent something, and waits to learn whether that is denied
}

// watched has the denials of every connection with a listener. Closed connections are removed when a new one is added.
var watched = struct {
	sync.Mutex
	connections map[*nats.Conn]*denials
}{connections: make(map[*nats.Conn]*denials)}

// denialsOf returns the denials of a connection. The first time it puts its own error handler before the connection's.
// Denials that no listener claims, and all other errors, go on to the previous handler.
func denialsOf(nc *nats.Conn) *denials {
	watched.Lock()
	defer watched.Unlock()
	if d := watched.connections[nc]; d != nil {
		return d
	}
	maps.DeleteFunc(watched.connections, func(nc *nats.Conn, _ *denials) bool { return nc.IsClosed() })
	d := &denials{
		nc: nc, inbox: inboxPrefix(nc), listeners: make(map[*listener]struct{}), waits: make(map[string]*Wait),
		newer: make(chan struct{}),
	}
	watched.connections[nc] = d
	d.next = nc.ErrorHandler()
	nc.SetErrorHandler(func(nc *nats.Conn, sub *nats.Subscription, err error) {
		if handled := d.tell(err); !handled && d.next != nil {
			d.next(nc, sub, err)
		}
	})
	return d
}

// listen calls notify with each denial until stop is called.
func (d *denials) listen(notify func(denial) bool) (stop func()) {
	return d.add(&listener{notify: notify})
}

func (d *denials) add(h *listener) (stop func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.listeners[h] = struct{}{}
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.listeners, h)
	}
}

// tell passes an error of the connection to the listeners, and reports whether one of them claimed it.
func (d *denials) tell(err error) (handled bool) {
	denied, ok := parseDenial(err)
	d.mu.Lock()
	defer d.mu.Unlock()
	if ok && d.isForsaken(denied) {
		handled = true
	} else if ok {
		handled = d.tellListeners(denied)
	}
	d.last = err
	close(d.newer)
	d.newer = make(chan struct{})
	return handled
}

// tellListeners tells all who may have caused a denial. A subscription that was denied to who has just tried to make it is
// not one that is lost. The caller holds d.mu.
func (d *denials) tellListeners(denied denial) (handled bool) {
	handled = d.end(denied)
	for l := range d.listeners {
		handled = l.guarded && l.notify(denied) || handled
	}
	if handled && !denied.publish {
		return true
	}
	d.deafen(denied)
	for l := range d.listeners {
		handled = !l.guarded && l.notify(denied) || handled
	}
	return handled
}

// nats.go runs the error handler a moment after an error has arrived. Nobody waits longer for it than this.
const maxHandlerLag = 100 * time.Millisecond

// catchUp waits until the handler has seen an error that the connection has received.
func (d *denials) catchUp(received error) {
	timer := time.NewTimer(maxHandlerLag)
	defer timer.Stop()
	for {
		d.mu.Lock()
		last, newer := d.last, d.newer
		d.mu.Unlock()
		if last == received { //nolint:errorlint // identity, not equality
			return
		}
		select {
		case <-newer:
		case <-timer.C:
			return
		}
	}
}

// Guard notices when the server denies something that its owner sends over a connection.
type Guard struct {
	nc       *nats.Conn
	denials  *denials
	concerns func(publish bool, subject string) bool
	before   error           // the newest error of the connection when the guard was made
	ctx      context.Context //nolint:containedctx // a denial ends what its owner does
	deny     context.CancelCauseFunc
	stop     func()
}

// NewGuard returns a guard for the subjects for which concerns returns true: an empty one for a subscription that is one too
// many. Make it before anything is sent, and End it.
func NewGuard(ctx context.Context, nc *nats.Conn, concerns func(publish bool, subject string) bool) *Guard {
	g := &Guard{nc: nc, denials: denialsOf(nc), concerns: concerns, before: nc.LastError()}
	g.ctx, g.deny = context.WithCancelCause(ctx)
	g.stop = g.denials.add(&listener{g.notify, true})
	return g
}

// GuardSubscription returns a guard for one subscription.
func GuardSubscription(ctx context.Context, nc *nats.Conn, subject string) *Guard {
	return NewGuard(ctx, nc, func(publish bool, denied string) bool { return !publish && (denied == subject || denied == "") })
}

// Context is cancelled when something is denied.
func (g *Guard) Context() context.Context { return g.ctx }

// Err returns the denial, an error with [troupe.CodeDenied], or with [troupe.CodeOverloaded] of a subscription that is one
// too many, or nil.
func (g *Guard) Err() error {
	if refused := context.Cause(g.ctx); IsRefusal(refused) {
		return refused
	}
	return nil
}

// IsRefusal reports whether an error is that of [Guard.Err].
func IsRefusal(err error) bool {
	return errors.Is(err, troupe.ErrDenied) || errors.Is(err, nats.ErrMaxSubscriptionsExceeded)
}

// Flush waits until the server has accepted or denied everything that was sent before. The error is that of
// [Guard.Err], or that the server did not answer within the timeout.
func (g *Guard) Flush(timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(g.ctx, timeout)
	defer cancel()
	err := g.nc.FlushWithContext(ctx)
	received := g.nc.LastError()
	if err == nil && errors.Is(received, nats.ErrMaxSubscriptionsExceeded) && g.concerns(false, "") {
		pause.For(g.ctx, maxHandlerLag) // it always is the same error, of this subscription or of one before
	} else if err == nil && received != nil && received != g.before { //nolint:errorlint // identity
		g.denials.catchUp(received)
		if denied, ok := parseDenial(received); ok && g.Err() == nil { // somebody has replaced the error handler since
			g.notify(denied)
		}
	}
	if denied := g.Err(); denied != nil {
		return denied
	}
	return err
}

// End stops the guard and cancels its context.
func (g *Guard) End() {
	g.stop()
	g.deny(nil)
}

func (g *Guard) notify(d denial) bool {
	if !g.concerns(d.publish, d.subject) {
		return false
	}
	g.deny(d.err)
	return true
}
