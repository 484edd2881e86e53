package actorhost

import (
	"context"
	"fmt"
	"strings"

	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
)

// Code that ends its process takes along what else the host runs, and nobody is left to count that. So what comes again, and may have
// been under way on a host that is gone, is not run before the record says that it is. What was begun so and has not ended, too often,
// is given up. One that was begun before runs alone among its like on the host, so that it is not blamed for what another does.

// begunRun is a run of which the record says that it was begun. Nil is one that has come for the first time.
type begunRun struct {
	a     *activation
	what  string
	alone bool
}

// endsHostsError says that something was begun too often without coming to an end.
type endsHostsError struct{ times int }

func (e *endsHostsError) Error() string {
	return fmt.Sprintf("its handler has ended its host %d times", e.times)
}

// begin is called before something runs. Again says that it may have been under way on a host that is gone; most, how many may be. The
// error is an [endsHostsError], or that it cannot run now. Callers must call over when it has run.
func (a *activation) begin(what string, again bool, most int) (*begunRun, error) {
	times := 0
	a.gate.Read(func(p *record.Parts) { times = p.Begun().Times(what) })
	switch {
	case times == 0 && !again:
		return nil, nil //nolint:nilnil // nil is a run
	case times >= most:
		return nil, &endsHostsError{times}
	}
	r := &begunRun{a: a, what: what}
	if times > 0 {
		if err := r.waitToBeAlone(); err != nil {
			return nil, err
		}
	}
	if err := r.note(); err != nil {
		r.over()
		return nil, err
	}
	return r, nil
}

// waitToBeAlone waits until no other of its like runs on the host.
func (r *begunRun) waitToBeAlone() error {
	ctx, cancel := context.WithTimeout(r.a.host.ctx, r.a.kind.config.ActionTimeout)
	defer cancel()
	select {
	case r.a.host.alone <- struct{}{}:
		r.alone = true
		return nil
	case <-ctx.Done():
		return errs.Unavailable("%s may have ended a host, and another that may have runs here", r.what)
	}
}

// note stores that it is begun.
func (r *begunRun) note() error {
	a, changes := r.a, commit.Changes{Parts: []record.Change{record.BeginRun{What: r.what}}}
	if err := a.checkChanges(changes.Parts); err != nil {
		return err
	}
	if !a.created { // it is, by what is about to run
		state, err := a.encode(nil)
		if err != nil {
			return err
		}
		a.created, a.current, changes.State = true, state, state
	}
	a.gate.Pass(&commit.Output{}, &changes)
	if err := a.gate.Settle(); err != nil {
		return errs.Unavailable("%v", err)
	}
	return nil
}

// ended are the changes of the turn by which it has ended well.
func (r *begunRun) ended() []record.Change {
	if r == nil {
		return nil
	}
	return []record.Change{record.EndRun{What: r.what}}
}

// failed says that it has ended in another way.
func (r *begunRun) failed() {
	if r != nil && !r.a.finished {
		r.a.gate.Pass(&commit.Output{}, &commit.Changes{Parts: r.ended()})
	}
}

// over ends it. It waits until that is stored: what comes next may end the host.
func (r *begunRun) over() {
	if r == nil {
		return
	}
	_ = r.a.gate.Settle() // else the activation ends
	if r.alone {
		<-r.a.host.alone
		r.alone = false
	}
}

// begunStepPrefix begins the names of steps among what was begun.
const begunStepPrefix = "~step/"

// endBegunSteps notes that the steps that run have ended no host: the activation ends, and cuts them off.
func (a *activation) endBegunSteps() {
	var ended []record.Change
	a.gate.Read(func(p *record.Parts) {
		for what := range p.Begun().All() {
			if strings.HasPrefix(what, begunStepPrefix) {
				ended = append(ended, record.EndRun{What: what})
			}
		}
	})
	if ended != nil {
		a.gate.Pass(&commit.Output{}, &commit.Changes{Parts: ended})
	}
}
