package actorhost

import (
	"context"

	"github.com/troupe-go/troupe"
)

// maxLookups bounds the records that are read at a time for those who ask about actors without waking them.
const maxLookups = 64

// tellPosition answers bus.PositionAction from the actor's record: what is not stored has not been sent.
func (h *Host) tellPosition(w work, tokens string) {
	id, err := troupe.ParseID(tokens)
	if err != nil {
		h.refuse(w, errorf(troupe.CodeBadInput, "%v", err))
		return
	}
	select {
	case h.lookups <- struct{}{}:
	default:
		h.refuse(w, overloaded("the host looks up %d positions", maxLookups))
		return
	}
	h.work.Go(func() {
		defer func() { <-h.lookups }()
		if output, err := h.position(w, id); err != nil {
			h.refuse(w, err)
		} else if msg := reply(w, output); msg != nil {
			h.send(msg)
		}
	})
}

func (h *Host) position(w work, id troupe.ID) ([]byte, *troupe.Error) {
	var event string
	if err := w.as.Unmarshal(w.msg.Data, &event); err != nil {
		return nil, errorf(troupe.CodeBadInput, "%s.%s: %v", id, w.action, err)
	}
	ctx, cancel := context.WithDeadline(h.ctx, w.deadline)
	defer cancel()
	record, err := h.records.Get(ctx, id)
	if err != nil {
		return nil, unavailable("%v", err)
	}
	output, err := w.as.Append(nil, record.Events[event])
	if err != nil {
		return nil, asError(err)
	}
	return output, nil
}
