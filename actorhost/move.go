package actorhost

import (
	"context"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
)

// serveMove serves troupe.MoveAction, unless the actor is to be here: then it is a call like others, which wakes it.
func (d *dispatcher) serveMove(w *work, tokens string) *activation {
	id, malformed := troupe.ParseID(tokens)
	var host string
	if err := w.As.Unmarshal(w.Data, &host); malformed != nil || err != nil {
		if err = malformed; err == nil {
			err = errs.New(troupe.CodeBadInput, "%s.%s takes the id of a host", id, w.Action)
		}
		d.out.Refuse(&w.Call, errs.As(err))
		return nil
	}
	if host == d.presence.Session().ID {
		return d.enqueue(tokens, w)
	}
	d.whilePassing(w, func() *troupe.Error { return d.move(w, id, host) })
	return nil
}

// move leaves an actor to another host, and hands that the call which asks for it.
func (r *roster) move(w *work, id troupe.ID, host string) *troupe.Error {
	ctx, cancel := context.WithDeadline(r.ctx, r.clock.Time(w.Deadline))
	defer cancel()
	switch runs, err := r.presence.Programs.RunsAt(ctx, id.Type(), host); {
	case err != nil:
		return errs.Unavailable("looking for the host %.100q: %v", host, err)
	case !runs:
		return errs.New(troupe.CodeBadInput, "no host with the id %.100q that runs actors of the type %q is up", host, id.Type())
	}
	if err := r.askTakes(ctx, w, host, id.Type()); errs.Find(err) != nil {
		return errs.As(err)
	} else if err != nil {
		return errs.Unavailable("asking the host %s: %v", host, err)
	}
	left, failed := r.leave(ctx, id, host)
	if failed != nil {
		return failed
	}
	if r.handOver(w, id, left) == ownerReleased {
		return errs.Unavailable("the host %s is stopping", left.to)
	}
	return nil
}
