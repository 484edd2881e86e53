package actorhost

import (
	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/call"
	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/actorhost/internal/faults"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// gateActor is the activation that its gate sees.
type gateActor activation

var _ commit.Actor = (*gateActor)(nil)

// ID implements [commit.Actor].
func (a *gateActor) ID() troupe.ID { return a.id }

// Epoch implements [commit.Actor].
func (a *gateActor) Epoch() uint64 { return a.epoch }

// Host implements [commit.Actor].
func (a *gateActor) Host() string { return a.session.ID }

// Valid implements [commit.Actor].
func (a *gateActor) Valid() bool { return a.session.Valid() }

// Lasts implements [commit.Actor].
func (a *gateActor) Lasts() bool { return !a.session.Over() }

// NoLease implements [commit.Actor].
func (a *gateActor) NoLease() error { return a.session.Err() }

// Owns implements [commit.Actor].
func (a *gateActor) Owns() bool { return a.host.presence.Session() == a.session }

// Write implements [commit.Actor].
func (a *gateActor) Write(w store.Write, journal bool) error {
	if journal {
		return a.session.Journal.Write(w)
	}
	return a.host.records.Write(w)
}

// Unchanged implements [commit.Actor].
func (a *gateActor) Unchanged() []byte { return (*activation)(a).storedState() }

// End implements [commit.Actor].
func (a *gateActor) End() { (*activation)(a).requestEnd(dropWork) }

// Grown implements [commit.Actor].
func (a *gateActor) Grown(bytes int64) { a.tenant.Grow(bytes) }

// Busy implements [commit.Actor].
func (a *gateActor) Busy() bool { return (*activation)(a).busy() }

// Publish implements [commit.Actor]. Without a lease it sends nothing: the next owner may have broadcast newer events.
func (a *gateActor) Publish(e *commit.Event) {
	if faults.Fencing && !a.session.Valid() {
		return
	}
	subject := e.Subject
	if subject == "" {
		subject = a.host.ns.Event(a.id, e.Event)
	}
	header := wire.EventHeader(e.Place, e.Except)
	for _, f := range e.Carried {
		header[f.Name] = []string{f.Value}
	}
	a.host.out.Send(&nats.Msg{Subject: subject, Data: e.Payload, Header: header})
}

// Reply implements [commit.Actor].
func (a *gateActor) Reply(msg wire.Message, more bool) { a.host.out.SendReply(&msg, more) }

// Refuse implements [commit.Actor].
func (a *gateActor) Refuse(c call.Call, err *troupe.Error) { a.host.refuse(&c, a.session, err) }
