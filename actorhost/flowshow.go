package actorhost

import (
	"context"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
)

// A page of a workflow has so many steps at most, and as many as take so many bytes, but one at least.
const maxPageSteps, maxPageBytes = 500, 128 << 10

// showWorkflow runs troupe.WorkflowAction in an actor that is awake.
func (c *Context) showWorkflow(in input) (any, error) {
	page, err := pageOf(in)
	if err != nil {
		return nil, err
	}
	w, found := c.workflow()
	if !found {
		return nil, errNoWorkflow(c.a.id)
	}
	return c.a.host.workflowPage(c, c.a.id, &w, page)
}

// pageOf is what is asked for.
func pageOf(in input) (page troupe.WorkflowPage, err error) {
	if len(in.body) == 0 {
		return page, nil
	}
	if err := in.as.Unmarshal(in.body, &page); err != nil {
		return page, errs.New(troupe.CodeBadInput, "%s takes a page of steps, or nothing: %v", troupe.WorkflowAction, err)
	}
	return page, nil
}

// workflowPage shows a workflow with some of its steps. Older ones of many are kept elsewhere.
func (e *env) workflowPage(ctx context.Context, id troupe.ID, w *record.Workflow, page troupe.WorkflowPage) (troupe.WorkflowRun, error) {
	if w == nil || w.Name == "" {
		return troupe.WorkflowRun{}, errNoWorkflow(id)
	}
	if min(page.Until, page.Limit) < 0 {
		return troupe.WorkflowRun{}, errs.New(troupe.CodeBadInput, "%s has no %d steps until %d", id, page.Limit, page.Until)
	}
	limit := maxPageSteps
	if page.Limit > 0 {
		limit = min(limit, page.Limit)
	}
	all := w.Logged + len(w.Steps())
	until := all
	if page.Until > 0 {
		until = min(page.Until, all)
	}
	var steps []record.WorkflowStep
	if until > w.Logged {
		steps = w.Steps()[:until-w.Logged]
	} else {
		var err error
		if steps, err = e.keptSteps(ctx, id, w, until, limit); err != nil {
			return troupe.WorkflowRun{}, err
		}
	}
	steps = lastSteps(steps, limit)
	return w.ShowSteps(steps, until-len(steps), all-until), nil
}

// lastSteps are the last ones that have room on a page.
func lastSteps(steps []record.WorkflowStep, limit int) []record.WorkflowStep {
	first, bytes := len(steps), int64(0)
	for ; first > 0 && len(steps)-first < limit; first-- {
		if bytes += steps[first-1].Size(); bytes > maxPageBytes && first < len(steps) {
			break
		}
	}
	return steps[first:]
}

// keptSteps reads steps that are kept elsewhere, before one, as far back as a page has room for. Those of a workflow that is over are
// forgotten, one block after the other; all may be lost.
func (e *env) keptSteps(ctx context.Context, id troupe.ID, w *record.Workflow, until, limit int) (steps []record.WorkflowStep, err error) {
	_, index, err := e.log.Open(ctx)
	if err != nil {
		return nil, errs.Unavailable("%v", err)
	}
	firsts, err := index.StepBlocks(ctx, id, w.Run)
	if err != nil {
		return nil, errs.Unavailable("%v", err)
	}
	bytes := 0
	for end := until; end > 0 && len(steps) < limit && bytes < maxPageBytes; {
		first := -1
		for _, one := range firsts {
			if one < end {
				first = max(first, one)
			}
		}
		block, err := index.StepBlock(ctx, id, w.Run, first)
		if err != nil {
			return nil, errs.Unavailable("%v", err)
		}
		some, err := record.DecodeBlock(block)
		missing := err != nil || first < 0 || len(some) < end-first
		if missing && (w.Ended > 0 || len(firsts) == 0) {
			return steps, nil
		}
		if missing {
			return nil, errs.Unavailable("the steps of %s before %d cannot be read: they are not there yet, or no more", id, end)
		}
		steps, end, bytes = append(some[:end-first:end-first], steps...), first, bytes+len(block)
	}
	return steps, nil
}
