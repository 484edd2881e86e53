package wire

import (
	"errors"

	"github.com/nats-io/nats.go"
)

// ErrDisconnected is the error of what could not be sent because the connection to NATS is lost for now.
var ErrDisconnected = errors.New("disconnected from NATS, which is tried again until it works: is the server up?")

// Disconnected makes an error an [ErrDisconnected] if it is one of the client library's that says so, in words that name
// something else. It returns other errors, and nil, as they are.
func Disconnected(err error) error {
	says := errors.Is(err, nats.ErrReconnectBufExceeded) || errors.Is(err, nats.ErrDisconnected) ||
		errors.Is(err, nats.ErrConnectionReconnecting)
	if !says || errors.Is(err, ErrDisconnected) {
		return err
	}
	return &disconnected{err}
}

type disconnected struct{ cause error }

func (*disconnected) Error() string     { return ErrDisconnected.Error() }
func (d *disconnected) Unwrap() []error { return []error{ErrDisconnected, d.cause} }
