package actorhost

import (
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/dedup"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
)

// resultFor is how long a call waits for the end of a workflow before it is told to ask again.
const resultFor = 5 * time.Second

// serveResult serves a call of troupe.ResultAction: now if the workflow is over, else when it is, or after a while.
func (a *activation) serveResult(w *work) {
	var name string
	if err := w.As.Unmarshal(w.Data, &name); err != nil {
		a.answer(w, nil, errs.New(troupe.CodeBadInput, "%s.%s takes the name of the workflow: %v", a.id, w.Action, err))
		return
	}
	var there record.WorkflowHead
	a.gate.Read(func(p *record.Parts) {
		if found := p.Workflow(); found != nil {
			there = found.WorkflowHead
		}
	})
	w.ID = dedup.ID{} // it needs not be remembered
	switch {
	case there.Name == "" || there.Name != name:
		a.answer(w, nil, errs.New(troupe.CodeNotFound, "%s has no workflow %.100q", a.id, name))
	case there.Ended != 0:
		a.answerResult(w, &there)
	case len(a.results) >= a.kind.config.MailboxSize:
		a.answer(w, nil, errs.Overloaded("%d calls wait for the end of the workflow of %s", len(a.results), a.id))
	default:
		wait := &resultWait{call: *w}
		left := min(resultFor, (w.Deadline-a.host.clock.Now())*3/4)
		wait.timer = time.AfterFunc(max(left, 0), func() { a.endResultWait(wait) })
		a.results = append(a.results, wait)
	}
}

// endResultWait has a call that has waited for long told to ask again.
func (a *activation) endResultWait(wait *resultWait) {
	in := &inside{done: make(chan error, 1), do: func(a *activation, done func(error)) {
		for i, one := range a.results {
			if one == wait {
				a.results = append(a.results[:i], a.results[i+1:]...)
				a.answer(&wait.call, nil, errUnfinished(a.id))
				break
			}
		}
		done(nil)
	}}
	if a.offer(&work{kind: insideWork, arg: in}) == mustRun {
		a.host.ready.Add(a)
	}
}

func errUnfinished(id troupe.ID) *troupe.Error {
	return errs.New(troupe.CodeUnfinished, "the workflow of %s is still under way: ask again", id)
}

// tellResult answers those who wait for the end of the workflow, if it is over.
func (a *activation) tellResult() {
	if len(a.results) == 0 {
		return
	}
	var there record.WorkflowHead
	a.gate.Read(func(p *record.Parts) {
		if found := p.Workflow(); found != nil {
			there = found.WorkflowHead
		}
	})
	if there.Ended == 0 {
		return
	}
	for _, wait := range a.results {
		wait.timer.Stop()
		a.answerResult(&wait.call, &there)
	}
	a.results = nil
}

// giveUpResults tells those who wait to ask again, where the actor is then.
func (a *activation) giveUpResults() {
	for _, wait := range a.results {
		wait.timer.Stop()
		a.answer(&wait.call, nil, errUnfinished(a.id))
	}
	a.results = nil
}

func (a *activation) answerResult(w *work, there *record.WorkflowHead) {
	if there.Failure != nil {
		a.answer(w, nil, there.Failure.Err())
		return
	}
	endpoint := &endpoint{}
	if wf := a.kind.workflows[there.Name]; wf != nil {
		endpoint = wf.gives
	}
	output, err := endpoint.output(dedup.Answer{Output: there.Result}, w.As)
	a.answer(w, output, err)
}
