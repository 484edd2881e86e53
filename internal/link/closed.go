package link

import (
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/internal/wire"
)

// A connection that is closed never comes back, unlike one that is only disconnected. The program closes it, or the server
// has said something that the client library takes for the end, such as that a message was too large for it.

// WhenClosed calls f once the connection is closed, on a goroutine of its own. The error is a nats.ErrConnectionClosed with
// its [Reason]. Stop ends that; f may still run when it returns.
func WhenClosed(nc *nats.Conn, f func(reason error)) (stop func()) {
	closed, done := nc.StatusChanged(nats.CLOSED), make(chan struct{})
	if nc.IsClosed() { // perhaps before there was anybody to tell
		select {
		case closed <- nats.CLOSED:
		default:
		}
	}
	go func() {
		defer nc.RemoveStatusListener(closed)
		select {
		case <-closed:
			f(Reason(nc, nats.ErrConnectionClosed))
		case <-done:
		}
	}()
	return sync.OnceFunc(func() { close(done) })
}

// Reason adds to an error that is a nats.ErrConnectionClosed what the connection has heard last, which is mostly why it is
// closed. An error of a connection that is lost for now becomes a [wire.ErrDisconnected]; others stay as they are.
func Reason(nc *nats.Conn, err error) error {
	if last := nc.LastError(); last != nil && errors.Is(err, nats.ErrConnectionClosed) && !errors.Is(err, last) {
		return fmt.Errorf("%w, its last error: %w", err, last)
	}
	return wire.Disconnected(err)
}
