package actorhost

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/wire"
)

// A host never answers for others. While a deployment is under way, hosts of another program may have what this one lacks:
// an action, another input of it, or the handler of an event. Then the call is passed on to one of them, and the actor with
// it, also if it is awake here. Only if there is none is the call refused.

// maxLacked is how many programs a call may have met that cannot take it.
const maxLacked = 8

// passOn hands a call that this program cannot take to a host that can, or else refuses it. It does not wait for that.
func (r *roster) passOn(w *work, tokens string, l lack) {
	id, err := troupe.ParseID(tokens)
	if err != nil {
		r.out.Refuse(&w.Call, l.refusal)
		return
	}
	passed := *w // a copy, so that not every call escapes to the heap
	r.whilePassing(&passed, func() *troupe.Error { return r.passOnNow(&passed, id, l) })
}

// whilePassing refuses a call with the error of what is done for it meanwhile, if there is one.
func (r *roster) whilePassing(w *work, do func() *troupe.Error) {
	select {
	case r.passing <- struct{}{}:
	default:
		r.out.Refuse(&w.Call, errs.Unavailable("%d calls wait for other hosts", maxPassedOn))
		return
	}
	r.goroutines.Go(func() {
		defer func() { <-r.passing }()
		if err := do(); err != nil {
			r.out.Refuse(&w.Call, err)
		}
	})
}

// forwardLeft takes a call of an actor that this host has left to another, or is about to leave, there.
func (r *roster) forwardLeft(w *work, id troupe.ID, left leftActor) {
	passed := *w // a copy, so that not every call escapes to the heap
	r.whilePassing(&passed, func() *troupe.Error {
		ctx, cancel := context.WithDeadline(r.ctx, r.clock.Time(passed.Deadline))
		defer cancel()
		if left.leaving != nil && !closed(ctx, left.leaving, leaveTimeout) {
			return errTooLate
		}
		if left.leaving != nil || r.handOver(&passed, id, left) == ownerReleased {
			if a := r.enqueue(id.Tokens(), &passed); a != nil {
				r.ready.Add(a)
			}
		}
		return nil
	})
}

// handOver forwards a call of an actor that was left to another host.
func (r *roster) handOver(w *work, id troupe.ID, left leftActor) forwardResult {
	how := r.forward(&w.Call, left.to, id, left.released)
	if how != forwardDone {
		r.takeBack(id.Tokens(), left.released)
	}
	return how
}

func (r *roster) passOnNow(w *work, id troupe.ID, l lack) *troupe.Error {
	ctx, cancel := context.WithDeadline(r.ctx, r.clock.Time(w.Deadline))
	defer cancel()
	var lacked []string
	if w.Action != wire.NoticeAction {
		lacked = strings.Split(w.Get(wire.HeaderLacked), ",")
	}
	if len(lacked) > maxLacked {
		return l.refusal
	}
	host, err := r.presence.Programs.Having(ctx, id.Type(), lacked, l.has, func(ctx context.Context, host string) error {
		err := r.askTakes(ctx, w, host, id.Type())
		if errors.Is(err, troupe.ErrBadInput) && l.action {
			l.refusal, l.searched = errs.As(err), false
		}
		return err
	})
	switch {
	case err != nil:
		return errs.Unavailable("%v; else: %s", err, l.refusal.Message)
	case host == "" && l.searched:
		w.searched = true
		if a := r.enqueue(id.Tokens(), w); a != nil {
			r.ready.Add(a)
		}
		return nil
	case host == "":
		return l.refusal
	}
	left, failed := r.leave(ctx, id, host)
	if failed != nil {
		return failed
	}
	w.lack(r.presence.Program)
	if r.handOver(w, id, left) == ownerReleased {
		return errs.Unavailable("the host %s, which has what %s.%s needs, is stopping", left.to, id, w.Action)
	}
	return nil
}

// lack notes that a program cannot take a call.
func (w *work) lack(program string) {
	lacked := program
	if before := w.Get(wire.HeaderLacked); before != "" && w.Action != wire.NoticeAction { // of which each lacks another event
		if lacked = before; !slices.Contains(strings.Split(before, ","), program) {
			lacked += "," + program
		}
	}
	w.Header = slices.Clone(w.Header) // others may share the memory of the old one
	w.Header = w.Header.With(wire.HeaderLacked, lacked)
}
