package actorhost

import (
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/dedup"
	"github.com/troupe-go/troupe/internal/wire"
)

// turn describes one turn.
type turn struct {
	action     string
	header     wire.Header // of the call
	id         dedup.ID
	deadline   time.Duration    // on the host's clock; 0: only ActionTimeout limits it
	delivery   *troupe.Delivery // the event being handled, if any
	queued     *troupe.Queued   // the message being handled, if any
	firing     *troupe.Firing   // of a schedule, if that is why
	connection *Connection      // that the call was made on, or that the hook is about
	confirmed  bool             // the record has confirmed that the host owns the actor, for want of a lease
}

func turnOf(w *work) turn {
	return turn{action: w.Action, header: w.Header, id: w.ID, deadline: w.Deadline}
}

// hookTurn is the turn of a hook that runs before the action of a call.
func hookTurn(name string, w *work) turn {
	t := turnOf(w)
	t.action = name
	return t
}
