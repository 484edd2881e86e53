package actorhost

import (
	"context"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/outlet"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/wire"
)

// maxLookups limits how many records are read at a time to answer for actors without waking them.
const maxLookups = 64

// servePosition answers wire.PositionAction from the actor's record. That suffices: an event is stored before it is
// sent.
func (d *dispatcher) servePosition(w *work, tokens string) {
	id, err := troupe.ParseID(tokens)
	if err != nil {
		d.out.Refuse(&w.Call, errs.New(troupe.CodeBadInput, "%v", err))
		return
	}
	select {
	case d.lookups <- struct{}{}:
	default:
		d.out.Refuse(&w.Call, errs.Unavailable("the host looks up %d positions at a time", maxLookups))
		return
	}
	asked := *w // a copy, so that not every call escapes to the heap
	d.goroutines.Go(func() {
		defer func() { <-d.lookups }()
		output, err := d.position(&asked, id)
		if err != nil {
			d.out.Refuse(&asked.Call, err)
			return
		}
		msg := outlet.Reply(&asked.Call, output)
		d.out.SendReply(&msg, false)
	})
}

func (d *dispatcher) position(w *work, id troupe.ID) ([]byte, *troupe.Error) {
	var event string
	if err := w.As.Unmarshal(w.Data, &event); err != nil {
		return nil, errs.New(troupe.CodeBadInput, "%s.%s: %v", id, w.Action, err)
	}
	ctx, cancel := context.WithDeadline(d.ctx, d.clock.Time(w.Deadline))
	defer cancel()
	last, err := d.lastEvent(ctx, id, event)
	if err != nil {
		return nil, errs.As(err)
	}
	output, err := w.As.Append(nil, wire.Position(last))
	if err != nil {
		return nil, errs.As(err)
	}
	return output, nil
}

// lastEvent returns the position of the last event of a name that an actor has broadcast, or is about to.
func (d *dispatcher) lastEvent(ctx context.Context, id troupe.ID, event string) (troupe.Position, error) {
	f, err := d.readRecord(ctx, id)
	switch {
	case err != nil:
		return troupe.Position{}, err
	case f.lacks != nil:
		return troupe.Position{}, f.lacksError(id)
	case f.Owner == "" && !f.Created && f.Revision > 0: // destroyed; a subscriber may not know yet
		return troupe.Position{Epoch: f.Epoch + 1}, nil
	case !f.parts.Outbox().Has(event):
		return f.parts.Events().Last(event), nil
	}
	log, _, err := d.log.Open(ctx) // the event is in the outbox, so only the log knows whether it was sent
	if err != nil {
		return troupe.Position{}, errs.Unavailable("%v", err)
	}
	last, _, err := log.Last(ctx, id, event)
	if err != nil {
		return troupe.Position{}, errs.Unavailable("%v", err)
	}
	if stored := f.parts.Events().Last(event); stored.Before(last) { // the record was put back
		return stored, nil
	}
	return last, nil
}
