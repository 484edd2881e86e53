package inspect

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/mend"
)

// writeTime is how long a change may take. It is shorter than what the pages' server has for a reply.
const writeTime = 20 * time.Second

// doneData is what has come of a change.
type doneData struct {
	Back       string // where it is shown
	Kind, Name string // of what was changed
	More       string // where it can be changed again; empty: nowhere
	What       string
	Output     string
}

// do changes an actor as a form says.
func (p *pages) do(ctx context.Context, r *http.Request, page *page) (any, error) {
	page.Live, page.Title = false, "Not done"
	if err := p.checkWrite(r); err != nil {
		return nil, err
	}
	r.Body = http.MaxBytesReader(nil, r.Body, p.nc.MaxPayload())
	if err := r.ParseForm(); err != nil {
		return nil, &troupe.Error{Code: troupe.CodeTooLarge, Message: "the form cannot be taken: " + err.Error()}
	}
	form := r.PostForm
	of, err := p.target(ctx, form)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	data := of.done()
	if err := p.change(ctx, of, form, &data); err != nil {
		return nil, err
	}
	page.Title = data.Kind + " " + data.Name
	return &data, nil
}

// change makes the change that a form asks for, and says what was done.
func (p *pages) change(ctx context.Context, of target, form url.Values, data *doneData) (err error) {
	id := of.id
	invoke := func(ctx context.Context, call troupe.Invocation) (json.RawMessage, error) {
		return p.invoke(ctx, call, nil)
	}
	switch verb := form.Get("verb"); verb {
	case "drain":
		data.What = "It drains: new calls go to other hosts."
		err = mend.Drain(ctx, p.looker, p.namespace, of.host)
	case "call":
		data.What = form.Get("action")
		data.Output, err = p.call(ctx, id, data.What, form.Get("input"), form.Get("request"))
	case "state":
		data.What = "The state is stored; the next call finds it."
		err = p.setState(ctx, id, form.Get("state"), form.Get("was"))
	case "sleep":
		data.What = "It sleeps."
		_, err = p.invoke(ctx, troupe.Invocation{ID: id, Action: troupe.SleepAction, Existing: true}, nil)
	case "destroy":
		data.What = "It is destroyed."
		if form.Get("confirm") == "" {
			return &troupe.Error{Code: troupe.CodeBadInput, Message: "it was not confirmed that the actor is to be destroyed"}
		}
		_, err = p.invoke(ctx, troupe.Invocation{ID: id, Action: troupe.DestroyAction, Existing: true}, nil)
	case "run-schedule":
		data.What = "It runs."
		err = mend.Schedule(ctx, invoke, id, troupe.FireAction, form.Get("name"))
	case "retry-letter":
		data.What = "It is handled again."
		err = mend.Bury(ctx, invoke, id, troupe.DeadRequest{Queue: form.Get("queue"), ID: form.Get("message"), Retry: true})
	case "drop-letter":
		data.What = "It is deleted."
		err = mend.Bury(ctx, invoke, id, troupe.DeadRequest{Queue: form.Get("queue"), ID: form.Get("message")})
	case "retry-workflow":
		data.What = "It is tried again."
		err = changeWorkflow(ctx, invoke, id, troupe.RetryWorkflowAction, nil)
	case "cancel-workflow":
		data.What = "It is to end: what it has done is undone, unless it handles that."
		err = changeWorkflow(ctx, invoke, id, troupe.CancelWorkflowAction, form.Get("reason"))
	default:
		err = &troupe.Error{Code: troupe.CodeBadInput, Message: "there is no such change: " + clean(verb)}
	}
	return err
}

// changeWorkflow calls an action that changes the workflow of an actor, unless that is over.
func changeWorkflow(ctx context.Context, invoke mend.Invoke, id troupe.ID, action string, input any) error {
	output, err := invoke(ctx, troupe.Invocation{ID: id, Action: troupe.WorkflowAction, Existing: true})
	if err != nil {
		return err
	}
	var run troupe.WorkflowRun
	if err := json.Unmarshal(output, &run); err != nil {
		return fmt.Errorf("what a host says of the workflow cannot be read: %w", err)
	}
	return mend.Workflow(ctx, invoke, id, &run, action, input)
}
