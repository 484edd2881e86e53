package rpc

import (
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"
)

// A connection that is closed never comes back, unlike one that is only disconnected. The program closes it, or the server
// has said something that the client library takes for the end, such as that a message was too large for it.

// WhenClosed calls f with the [ClosedError] of a connection, on a goroutine of its own, once the connection is closed. Stop
// ends that; f may still run when it returns.
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
			f(ClosedError(nc))
		case <-done:
		}
	}()
	return sync.OnceFunc(func() { close(done) })
}

// ClosedError says that a connection is closed, and what it has heard last: mostly why. It is a nats.ErrConnectionClosed.
func ClosedError(nc *nats.Conn) error {
	if last := nc.LastError(); last != nil {
		return fmt.Errorf("%w, its last error: %w", nats.ErrConnectionClosed, last)
	}
	return nats.ErrConnectionClosed
}

// Reason adds to the error of a closed connection why it is closed. It returns other errors as they are.
func Reason(nc *nats.Conn, err error) error {
	if err == nats.ErrConnectionClosed { //nolint:errorlint // an error that wraps it may have the reason
		return ClosedError(nc)
	}
	return err
}
