package actorhost

import (
	"context"

	"github.com/troupe-go/troupe"
)

// maxLookups bounds the records that are read at a time for those who ask about actors without waking them.
const maxLookups = 64

// tellPosition answers wire.PositionAction from the actor's record: what is not stored has not been sent.
func (h *Host) tellPosition(w *work, tokens string) {
	id, err := troupe.ParseID(tokens)
	if err != nil {
		h.refuse(w, errorf(troupe.CodeBadInput, "%v", err))
		return
	}
	select {
	case h.lookups <- struct{}{}:
	default:
		h.refuse(w, unavailable("the host looks up %d positions at a time", maxLookups))
		return
	}
	asked := *w // or else every call would be allocated apart
	h.work.Go(func() {
		defer func() { <-h.lookups }()
		output, err := h.position(&asked, id)
		if err != nil {
			h.refuse(&asked, err)
			return
		}
		msg := reply(&asked, output)
		h.sendReply(&msg, false)
	})
}

func (h *Host) position(w *work, id troupe.ID) ([]byte, *troupe.Error) {
	var event string
	if err := w.as.Unmarshal(w.data, &event); err != nil {
		return nil, errorf(troupe.CodeBadInput, "%s.%s: %v", id, w.action, err)
	}
	ctx, cancel := context.WithDeadline(h.ctx, h.began.Add(w.deadline))
	defer cancel()
	last, err := h.lastEvent(ctx, id, event)
	if err != nil {
		return nil, asError(err)
	}
	output, err := w.as.Append(nil, last)
	if err != nil {
		return nil, asError(err)
	}
	return output, nil
}

// lastEvent is the last event of a name that an actor has broadcast, or is about to.
func (h *Host) lastEvent(ctx context.Context, id troupe.ID, event string) (troupe.Position, error) {
	f, err := h.read(ctx, id)
	switch {
	case err != nil:
		return troupe.Position{}, err
	case f.lacks != nil:
		return troupe.Position{}, f.missing(id)
	case f.Owner == "" && !f.Created && f.Revision > 0: // it was destroyed, which a subscriber has perhaps not noticed
		return troupe.Position{Epoch: f.Revision}, nil
	case !f.parts.Outbox().Has(event):
		return f.parts.Events().Last(event), nil
	}
	log, err := h.log.open(ctx, h) // for what is not there yet has not been sent either
	if err != nil {
		return troupe.Position{}, unavailable("%v", err)
	}
	last, _, err := log.Last(ctx, id, event)
	if err != nil {
		return troupe.Position{}, unavailable("%v", err)
	}
	return last, nil
}
