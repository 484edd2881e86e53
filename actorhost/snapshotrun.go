package actorhost

import (
	"slices"

	"github.com/troupe-go/troupe/actorhost/internal/outlet"
	"github.com/troupe-go/troupe/internal/errs"
)

// nextSnapshotRead takes a read that waits for a goroutine, which now has this one. Its Context is that of a turn that has begun.
func (a *activation) nextSnapshotRead(goroutine uint64) (w work, c *Context, ok bool) {
	s := a.snapshotReads
	if s == nil {
		return w, nil, false
	}
	now := a.host.clock.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(s.waiting) == 0 {
		return w, nil, false
	}
	w = s.waiting[0]
	if s.waiting = slices.Delete(s.waiting, 0, 1); len(s.waiting) == 0 {
		s.waiting = nil
	}
	a.waitsNoMore(&w)
	c = &Context{a: a, turn: turnOf(&w), began: now, goroutine: goroutine}
	c.turn.readOnly, c.turn.beside, c.turn.snapshot = true, true, true
	a.limitTurn(now, &c.turn)
	a.readersBook().BeginBeside(goroutine, nameOf(w.ID), c)
	return w, c, true
}

// readsSnapshot runs a read beside the turns on this goroutine, if one waits for that, and reports whether it has.
func (a *activation) readsSnapshot(goroutine uint64) bool {
	w, c, ok := a.nextSnapshotRead(goroutine)
	if !ok {
		return false
	}
	returned := false
	defer func() {
		exits := false
		if !returned {
			thrown := errGoexit
			if p := recover(); p != nil {
				thrown = panicked(p)
			} else {
				exits = true
			}
			a.host.refuse(&w.Call, a.session, errs.As(a.internalError(c, c.turn, thrown)))
		}
		a.snapshotReadOver(goroutine, exits)
	}()
	if !w.withdrawn {
		a.serveSnapshotRead(&w, c)
	}
	returned = true
	return true
}

// serveSnapshotRead runs a call beside the turns, and answers it. The answer waits for nothing: what it tells of is stored.
func (a *activation) serveSnapshotRead(w *work, c *Context) {
	if w.Deadline <= c.began {
		a.host.refuse(&w.Call, a.session, errTooLate)
		return
	}
	var err error
	if c.turn.connection, err = a.callConnection(w); err != nil {
		a.host.refuse(&w.Call, a.session, errs.As(err))
		return
	}
	run := actionRuns.Get().(*actionRun)
	defer run.end()
	run.endpoint, run.action, run.in, run.answered, run.out = w.arg.(*endpoint), w.Action, w.input(), w.Reply != "", a.host.out
	result, err := a.runSnapshotRead(c, run)
	if err != nil && result.misread {
		a.failMisread(w, errs.As(err))
		return
	}
	if w.Ran = result.ended != 0; !w.Ran {
		a.host.refuse(&w.Call, a.session, errs.As(err))
		return
	}
	reply := outlet.Reply(&w.Call, run.output)
	if err != nil {
		reply = a.host.out.ErrorReply(&w.Call, w.As, errs.As(err))
	}
	a.host.out.SendReply(&reply, a.host.busy())
	w.CountAnswered(result.ended)
}

// runSnapshotRead runs an action on the state that was stored last. If the result has no end, the action was not run.
func (a *activation) runSnapshotRead(c *Context, run *actionRun) (r result, err error) {
	snapshot, t := a.gate.Snapshot(), &c.turn
	if snapshot == nil {
		return r, errs.Unavailable("%s is loaded again", a.id)
	}
	if err := a.leaseOver(*t, c.began); err != nil {
		return r, err
	}
	var checked *checkedCopy
	if a.isChecked(run.endpoint) {
		if checked, err = a.checkedCopy(snapshot, run.endpoint); err == nil {
			run.state = checked.state
		}
	} else {
		run.state, err = a.sharedCopy(snapshot)
	}
	if err != nil {
		return r, err
	}
	r, err = c.run(run.do)
	r.ended = a.host.clock.Now()
	if err != nil {
		err = a.callerError(c, err)
	} else if err = a.leaseOver(*t, r.ended); err == nil && a.hasLeft() {
		err = errs.Unavailable("%s has left the host", a.id)
	}
	if checked != nil {
		if changed := checked.changed(t.action); changed != nil {
			err = changed
		}
	}
	a.count(c, r.ended, err)
	if err != nil {
		err = afterCalls(&r, *t, err)
	}
	return r, err
}
