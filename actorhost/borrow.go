package actorhost

import (
	"context"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
)

// When JetStream is full, or NATS does not allow the host to write, it can claim no actor, and if its lease is in the way
// too, it cannot renew that. An actor whose record names the host already is still its own as long as the record stays as it
// is: the host answers what needs no write, and refuses the rest.

// borrowFor is how long an actor is borrowed before the next call tries to claim it.
const borrowFor = time.Second

// mayBorrow reports whether the record that was found names this host. Only a single server has one record: on a cluster
// another may have a newer one, even of this host's own writes.
func (a *activation) mayBorrow(f *foundRecord) bool {
	return f.Created && f.Owner == a.session.ID && a.host.presence.Leases.OnOneServer()
}

// borrow wakes the actor without a claim.
func (a *activation) borrow(f *foundRecord, state []byte, why error) {
	a.borrowed = &borrowing{a.host.clock.Now(), why}
	a.gate.Claimed(f.Revision, state)
	a.epoch, a.created = f.Epoch, true
}

// cannotWrite says why a turn may change nothing, if so.
func (a *activation) cannotWrite(t turn) error {
	switch {
	case a.borrowed != nil:
		return errs.Unavailable("%s cannot be written: %v", a.id, a.borrowed.why)
	case t.confirmed:
		return errs.Unavailable("%s cannot be written: %v", a.id, a.session.Err())
	}
	return nil
}

// confirm asks the record whether the host still owns the actor, for want of a lease that cannot be renewed because
// JetStream is full, or because that is denied. If so, the state in memory is the newest at this moment. This takes a single server too.
func (a *activation) confirm(w *work) *troupe.Error {
	if !a.session.Lasts() || !a.host.presence.Leases.OnOneServer() {
		return errs.Unavailable("%v", a.session.Err())
	}
	ctx, cancel := context.WithDeadline(a.host.ctx, a.host.clock.Time(w.Deadline))
	defer cancel()
	found, err := a.host.records.Get(ctx, a.id)
	switch {
	case err != nil:
		return errs.Unavailable("%v", err)
	case found.Revision != a.gate.Revision() || found.Owner != a.session.ID:
		a.finished = true
		return errs.Unavailable("%s changes hosts", a.id)
	}
	return nil
}
