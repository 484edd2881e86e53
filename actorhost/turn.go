package actorhost

import (
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/dedup"
)

// turn is what a turn is for.
type turn struct {
	action     string
	header     nats.Header // of the call
	id         dedup.ID
	deadline   time.Duration    // by the clock of the host; 0: only the type's own bound
	delivery   *troupe.Delivery // the event that it handles, if any
	connection *Connection      // by which it was called, or that it is about
}

func turnOf(w *work) turn {
	return turn{action: w.Action, header: w.Header, id: w.ID, deadline: w.Deadline}
}
