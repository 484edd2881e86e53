package actorhost

import (
	"context"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
)

// serveMove serves troupe.MoveAction. It does not wait for that.
func (r *roster) serveMove(w *work, tokens string) {
	r.whilePassing(w, func() *troupe.Error {
		id, err := troupe.ParseID(tokens)
		if err != nil {
			return errs.New(troupe.CodeBadInput, "%v", err)
		}
		var host string
		if err := w.As.Unmarshal(w.Data, &host); err != nil {
			return errs.New(troupe.CodeBadInput, "%s.%s takes the id of a host: %v", id, w.Action, err)
		}
		return r.move(w, id, host)
	})
}

// move leaves an actor to another host, and hands that the call which asks for it. Where the actor is to be, that is a call like
// others, which wakes it.
func (r *roster) move(w *work, id troupe.ID, host string) *troupe.Error {
	if host == r.presence.Session().ID {
		if a := r.enqueue(id.Tokens(), w); a != nil {
			r.ready.Add(a)
		}
		return nil
	}
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
