package rpc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
)

// When a user may not publish or subscribe to a subject, the server says so in an error of the connection that names the
// subject, but not the message: whoever has sent it waits in vain. What follows brings that error to them.

// denial is something that the server has refused.
type denial struct {
	publish bool // else a subscription
	subject string
	err     *troupe.Error
}

// parseDenial reads an error of a connection.
func parseDenial(err error) (denial, bool) {
	if !errors.Is(err, nats.ErrPermissionViolation) {
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

// denials hands what the server refuses on one connection to those who may have sent it.
type denials struct {
	mu        sync.Mutex
	listeners map[*listener]struct{}
	last      error         // the newest of the connection's errors, denials or not
	newer     chan struct{} // closed when there is a newer one
}

// listener reports whether a denial concerns it. It is called under the mutex of its denials.
type listener struct{ notify func(denial) bool }

// watched has the denials of the connections that somebody listens to. What is closed is removed when the next one comes.
var watched = struct {
	sync.Mutex
	connections map[*nats.Conn]*denials
}{connections: make(map[*nats.Conn]*denials)}

// denialsOf returns the denials of a connection, and puts a handler before that of its errors the first time. What
// concerns nobody, and any other error, goes on to the handler that was there.
func denialsOf(nc *nats.Conn) *denials {
	watched.Lock()
	defer watched.Unlock()
	if d := watched.connections[nc]; d != nil {
		return d
	}
	maps.DeleteFunc(watched.connections, func(nc *nats.Conn, _ *denials) bool { return nc.IsClosed() })
	d := &denials{listeners: make(map[*listener]struct{}), newer: make(chan struct{})}
	watched.connections[nc] = d
	next := nc.ErrorHandler()
	nc.SetErrorHandler(func(nc *nats.Conn, sub *nats.Subscription, err error) {
		if handled := d.tell(err); !handled && next != nil {
			next(nc, sub, err)
		}
	})
	return d
}

// listen has hear called with each denial until it is stopped.
func (d *denials) listen(notify func(denial) bool) (stop func()) {
	h := &listener{notify}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.listeners[h] = struct{}{}
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.listeners, h)
	}
}

// tell hands an error of the connection on, and reports whether it concerned anybody.
func (d *denials) tell(err error) (handled bool) {
	denied, ok := parseDenial(err)
	d.mu.Lock()
	defer d.mu.Unlock()
	if ok {
		for l := range d.listeners {
			handled = l.notify(denied) || handled
		}
	}
	d.last = err
	close(d.newer)
	d.newer = make(chan struct{})
	return handled
}

// A connection's errors are handled a moment after it has received them: nobody waits longer for that.
const maxHandlerLag = 100 * time.Millisecond

// catchUp waits until an error that the connection has received is handled.
func (d *denials) catchUp(received error) {
	timer := time.NewTimer(maxHandlerLag)
	defer timer.Stop()
	for {
		d.mu.Lock()
		last, newer := d.last, d.newer
		d.mu.Unlock()
		if last == received { //nolint:errorlint // this one, not one like it
			return
		}
		select {
		case <-newer:
		case <-timer.C:
			return
		}
	}
}

// Guard notices when the server refuses something that its owner sends over a connection.
type Guard struct {
	nc       *nats.Conn
	denials  *denials
	concerns func(publish bool, subject string) bool
	before   error           // the newest of the connection's errors when the guard was made
	ctx      context.Context //nolint:containedctx // what its owner does ends with a denial
	deny     context.CancelCauseFunc
	stop     func()
}

// NewGuard returns a guard for what concerns says. It must be made before anything is sent, and ended.
func NewGuard(ctx context.Context, nc *nats.Conn, concerns func(publish bool, subject string) bool) *Guard {
	g := &Guard{nc: nc, denials: denialsOf(nc), concerns: concerns, before: nc.LastError()}
	g.ctx, g.deny = context.WithCancelCause(ctx)
	g.stop = g.denials.listen(g.notify)
	return g
}

// GuardSubscription returns a guard for a subscription.
func GuardSubscription(nc *nats.Conn, subject string) *Guard {
	return NewGuard(context.Background(), nc, func(publish bool, denied string) bool { return !publish && denied == subject })
}

// Context is done as soon as something was refused.
func (g *Guard) Context() context.Context { return g.ctx }

// Err is what was refused, an error with [troupe.CodeDenied], or nil.
func (g *Guard) Err() error {
	if cause := context.Cause(g.ctx); errors.Is(cause, troupe.ErrDenied) {
		return cause
	}
	return nil
}

// Flush returns when the server has handled, or refused, what was sent before: see [Guard.Err].
func (g *Guard) Flush(timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(g.ctx, timeout)
	defer cancel()
	err := g.nc.FlushWithContext(ctx)
	if received := g.nc.LastError(); err == nil && received != nil && received != g.before { //nolint:errorlint // another one
		g.denials.catchUp(received)
		if denied, ok := parseDenial(received); ok && g.Err() == nil { // the connection has got another handler since
			g.notify(denied)
		}
	}
	if denied := g.Err(); denied != nil {
		return denied
	}
	return err
}

// End stops the guard and ends its context.
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
