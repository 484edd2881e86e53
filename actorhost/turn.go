package actorhost

import (
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/figures"
	"github.com/troupe-go/troupe/internal/dedup"
	"github.com/troupe-go/troupe/internal/wire"
)

// turn describes one turn.
type turn struct {
	kind       wire.TurnKind
	action     string
	counters   *figures.Counters // nil: those of the kind and name
	arrived    time.Duration     // of what has waited for the turn, on the host's clock; else 0
	header     wire.Header       // of the call
	id         dedup.ID
	deadline   time.Duration    // on the host's clock; 0: only ActionTimeout limits it
	delivery   *troupe.Delivery // the event being handled, if any
	durable    bool             // it is kept
	queued     *troupe.Queued   // the message being handled, if any
	firing     *troupe.Firing   // of a schedule, if that is why
	connection *Connection      // that the call was made on, or that the hook is about
	readOnly   bool             // it may change nothing
	beside     bool             // its action may run beside turns
	snapshot   bool             // it does, on the state that was stored last
	confirmed  bool             // the record has confirmed that the host owns the actor, for want of a lease
}

func turnOf(w *work) turn {
	return turn{
		kind: wire.TurnAction, action: w.Action, counters: w.Counters, arrived: w.Arrived, header: w.Header, id: w.ID, deadline: w.Deadline,
	}
}

// hookTurn is the turn of a hook that runs before the action of a call.
func hookTurn(name string, w *work) turn {
	t := turnOf(w)
	t.kind, t.action, t.counters, t.arrived = wire.TurnHook, name, nil, 0
	return t
}
