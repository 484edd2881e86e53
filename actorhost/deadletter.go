package actorhost

import (
	"context"

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
