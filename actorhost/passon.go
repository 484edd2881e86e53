package actorhost

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/wire"
)

// A host never answers for others. While a deployment is under way, hosts of another program may have what this one lacks:
// an action, another input of it, or the handler of an event. Then the call is passed on to one of them, and the actor with
// it, also if it is awake here. Only if there is none is the call refused.

const (
	// leaveTimeout bounds the wait for the actor to end here.
	leaveTimeout = 3 * time.Second
	// maxLacked is how many programs a call may have met that cannot take it.
	maxLacked = 8
)

// passOn hands a call that this program cannot take to a host that can, or else refuses it. It does not wait for that.
func (r *roster) passOn(w *work, tokens string, l lack) {
	id, err := troupe.ParseID(tokens)
	if err != nil {
		r.out.Refuse(&w.Call, l.refusal)
		return
	}
	select {
	case r.passing <- struct{}{}:
	default:
		r.out.Refuse(&w.Call, errs.Unavailable("%s lacks what the call needs, and %d calls wait for other hosts", id.Type(), maxPassedOn))
		return
	}
	passed := *w
	r.goroutines.Go(func() {
		defer func() { <-r.passing }()
		if err := r.passOnNow(&passed, id, l); err != nil {
			r.out.Refuse(&passed.Call, err)
		}
	})
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
	host, err := r.presence.Programs.Having(ctx, id.Type(), lacked, l.has)
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
	if r.forward(&w.Call, host, id, left.released) == ownerReleased {
		r.takeBack(id.Tokens())
		return errs.Unavailable("the host %s, which has what %s.%s needs, is stopping", host, id, w.Action)
	}
	return nil
}

// lack notes that a program cannot take a call.
func (w *work) lack(program string) {
	lacked := program
	if before := w.Get(wire.HeaderLacked); before != "" && w.Action != wire.NoticeAction { // of which each lacks another event
		lacked = before + "," + program
	}
	w.Header = slices.Clone(w.Header) // others may share the memory of the old one
	w.Header = w.Header.With(wire.HeaderLacked, lacked)
}

// leave leaves an actor to another host: if it is awake it ends here, and for a while its calls go there.
func (r *roster) leave(ctx context.Context, id troupe.ID, host string) (leftActor, *troupe.Error) {
	ctx, cancel := context.WithTimeout(ctx, leaveTimeout)
	defer cancel()
	left, a, err := r.beginToLeave(id, host)
	if err != nil {
		return left, err
	}
	if left.released, err = r.release(ctx, id, a); err != nil {
		r.takeBack(id.Tokens())
		return left, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.left[id.Tokens()].until != left.until { // another host has left it to this one
		return left, errs.Unavailable("%s changes hosts", id)
	}
	r.left[id.Tokens()] = left
	return left, nil
}

// release waits until an actor that is to be left is no longer awake, and its record is complete. It may have no activation.
func (r *roster) release(ctx context.Context, id troupe.ID, a *activation) (released, *troupe.Error) {
	if a != nil {
		a.requestEnd(stopWork)
		select {
		case <-a.ended():
		case <-ctx.Done():
			return released{}, errs.Unavailable("%s leaves a host of another program, and is still busy", id)
		}
	}
	s := r.presence.Session()
	if s.Unflushed.Load() { // what the journal has must first get into the record
		return released{}, errs.Unavailable("%s cannot leave its host now", id)
	}
	found, err := r.readRecord(ctx, id) // the actor cannot wake here meanwhile
	if err != nil {
		return released{}, errs.As(err)
	}
	return released{s.ID, found.Epoch}, nil
}

// beginToLeave has the actor not wake here from now on. It returns its activation, if there is one.
func (r *roster) beginToLeave(id troupe.ID, host string) (leftActor, *activation, *troupe.Error) {
	now := r.clock.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.active[id.Tokens()]
	if a != nil && a.wokeLately(now) {
		return leftActor{}, nil, errs.Unavailable("%s has just woken on a host of another program", id)
	}
	left := leftActor{to: host, until: now + leftFor}
	r.left[id.Tokens()] = left
	return left, a, nil
}

// takeBack has calls of an actor wake it here again, because another host has left it to this one, or has not taken it.
func (r *roster) takeBack(tokens string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.left, tokens)
}
