package actorhost

import (
	"context"
	"errors"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/outlet"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// serveDead answers troupe.DeadAction. It has to do with the streams of queues alone, so the actor need not wake.
func (d *dispatcher) serveDead(w *work, tokens string) {
	id, err := troupe.ParseID(tokens)
	if err != nil {
		d.out.Refuse(&w.Call, errs.New(troupe.CodeBadInput, "%v", err))
		return
	}
	d.whilePassing(w, func() *troupe.Error {
		found, err := d.unbury(w, id)
		if err != nil {
			return errs.As(err)
		}
		output, err := w.As.Append(nil, found)
		if err != nil {
			return errs.As(err)
		}
		msg := outlet.Reply(&w.Call, output)
		d.out.SendReply(&msg, false)
		return nil
	})
}

// unbury takes a dead letter away. One that is to be handled again waits for that first, under its own ID: so whoever does it
// again, it is handled once.
func (d *dispatcher) unbury(w *work, id troupe.ID) (found bool, err error) {
	var r troupe.DeadRequest
	if err := w.As.Unmarshal(w.Data, &r); err != nil {
		return false, errs.New(troupe.CodeBadInput, "%s.%s: %v", id, w.Action, err)
	}
	if troupe.CheckName("queue", r.Queue) != nil || !wire.IsMessageID(r.ID) {
		return false, errs.New(troupe.CodeBadInput, "%s.%s: the queue %.100q has no message %.100q", id, w.Action, r.Queue, r.ID)
	}
	ctx, cancel := context.WithDeadline(d.ctx, d.clock.Time(w.Deadline))
	defer cancel()
	if r.Skip {
		return d.skip(ctx, id, &r)
	}
	if err := d.queues.Open(ctx); err != nil {
		return false, errs.Unavailable("%v", err)
	}
	letter := &store.Message{Actor: id, Queue: r.Queue, ID: r.ID}
	dead, err := d.queues.Unbury(ctx, letter, func(m *store.Message) error {
		if !r.Retry {
			return nil
		}
		return d.queues.Later(ctx, m.Again(), d.queues.Now())
	})
	if err != nil {
		return false, errs.Unavailable("%v", err)
	}
	return dead != nil, nil
}

// skip has the next message of a queue in order become a dead letter, and those behind it handled. It may have been before.
func (d *dispatcher) skip(ctx context.Context, id troupe.ID, r *troupe.DeadRequest) (found bool, err error) {
	if err := d.queues.OpenInOrder(ctx); err != nil {
		return false, errs.Unavailable("%v", err)
	}
	bell := &wire.Bell{Again: true, Skip: r.ID}
	for more := true; more; bell.Skip = "" {
		var passed wire.Passed
		err := d.client.Invoke(ctx, troupe.Invocation{
			ID: id, Action: wire.QueuedAction, Existing: true, In: wire.QueuedBatch{Queue: r.Queue, Bell: bell}, Out: &passed,
		})
		switch {
		case errors.Is(err, troupe.ErrNotFound) || err != nil && found: // others hear of what is left
			return found, nil
		case err != nil:
			return false, err
		case bell.Skip != "":
			if found, err = d.queues.IsDead(ctx, id, r.Queue, r.ID); err != nil {
				return false, errs.Unavailable("%v", err)
			}
		}
		for _, sequence := range passed.Done {
			if err := d.queues.Delete(ctx, sequence); err != nil { // whoever is told next does
				return found, nil //nolint:nilerr // it is skipped, or not, all the same
			}
		}
		more = found && passed.More && passed.Until == 0 && ctx.Err() == nil
	}
	return found, nil
}
