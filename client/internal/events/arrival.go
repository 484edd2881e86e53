package events

import (
	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

// arrival is what waits in the queue of a subscription: an event, or a mark.
type arrival struct {
	troupe.Delivery
	place   wire.Place
	subject string
	except  string // the id of a connection that it is not for
	direct  bool   // sent to one connection alone
	size    int    // bytes
	mark    *mark  // nil: it is an event
}

// mark says which event was an actor's last one when the mark was put into the queue. With an error, nobody could tell.
type mark struct {
	last     troupe.Position
	err      error
	replaced bool // the records were: the last one may be earlier than one that was heard
	// heard is what the subscription had heard last when the actor was asked, if that listens to many. It has heard no more since, or
	// the mark says nothing.
	heard troupe.Position
}

func newArrival(msg *nats.Msg) *arrival {
	e := &arrival{place: wire.ParsePlace(msg.Header), subject: msg.Subject, size: msg.Size()}
	if except := msg.Header[wire.HeaderExcept]; len(except) > 0 {
		e.except = except[0]
	}
	e.Position, e.Header = e.place.Position, wire.CarriedOf(msg.Header)
	e.Decode = func(into any) error { return wire.DecodeBody(msg, into) }
	return e
}
