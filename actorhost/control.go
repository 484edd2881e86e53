package actorhost

import (
	"log/slog"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/internal/link"
)

// connectControl returns the connection for the lease, for what is stored, and for what hosts ask each other before one takes
// over from another. No number of calls holds those up there, and none of them is lost when the server gives up the connection
// with the calls because they are too many. If there can be no second connection, all goes over the one.
func connectControl(nc *nats.Conn, logger *slog.Logger) *nats.Conn {
	control, err := link.Second(nc, "control")
	if err != nil {
		logger.Warn("the host has one connection only: many calls may hold up its lease and what it stores", slog.Any("error", err))
		return nc
	}
	return control
}

// isClosed reports whether a connection is closed for good.
func (e *env) isClosed() bool { return e.nc.IsClosed() || e.control != nil && e.control.IsClosed() }

// closeControl closes the connection, unless it is that of the program.
func (e *env) closeControl() {
	if e.control != e.nc {
		e.control.Close()
	}
}
