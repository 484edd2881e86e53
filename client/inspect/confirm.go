package inspect

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/look"
)

// confirmData is the page that asks whether a change is meant. What its form sends is what its address has.
type confirmData struct {
	doneData

	Question string
	Note     string // what comes of it
	Button   string
	Danger   bool
	Reason   bool // it asks for one
	Of       string
	Fields   []field
}

// field is a hidden one of the form.
type field struct{ Name, Value string }

// question is what is asked before a change.
type question struct {
	Question, Note, Button string
	Danger, Reason         bool
	fields                 []string // beside the verb, and what names the host or the actor
}

// questions are those before changes, by the verb.
var questions = map[string]question{
	"drain": {
		Question: "Drain this host?", Button: "Drain", Danger: true,
		Note: "New calls go to other hosts. What runs ends within the host's grace, its actors are released, and its program ends " +
			"if it waits for the host. Without another host of their types, calls of its actors fail or wait.",
	},
	"run-schedule": {
		Question: "Run this schedule now?", Button: "Run", fields: []string{"name"},
		Note: "One that recurs runs once more than it would. What was given up begins with the first attempt again.",
	},
	"retry-letter": {
		Question: "Have this message handled again?", Button: "Retry", fields: []string{"queue", "message"},
		Note: "It begins with the first attempt again, at the end of its queue if that is in order.",
	},
	"drop-letter": {
		Question: "Delete this message?", Button: "Delete", Danger: true, fields: []string{"queue", "message"},
		Note: "It is gone then.",
	},
	"retry-workflow": {
		Question: "Try this workflow again?", Button: "Try again",
		Note: "If it is stuck, it goes on at once, if the program fits it. If a step may have made its calls long ago, they are made " +
			"again: look before whether they have run. A step that has failed is tried at once.",
	},
	"cancel-workflow": {
		Question: "Cancel this workflow?", Button: "Cancel the workflow", Danger: true, Reason: true,
		Note: "The step that waits, or else the next one, fails with the reason. So what the workflow has done is undone, unless it " +
			"handles the error.",
	},
}

// confirm asks whether a change is meant.
func (p *pages) confirm(ctx context.Context, r *http.Request, page *page) (any, error) {
	page.Live, page.Title = false, "Confirm"
	if !p.mayWrite(r) {
		return nil, p.checkWrite(r)
	}
	query := r.URL.Query()
	asked, known := questions[query.Get("verb")]
	if !known {
		return nil, &troupe.Error{Code: troupe.CodeBadInput, Message: "there is no such change: " + clean(query.Get("verb"))}
	}
	of, err := p.target(ctx, query)
	if err != nil {
		return nil, err
	}
	data := &confirmData{
		doneData: of.done(), Question: asked.Question, Note: asked.Note, Button: asked.Button, Danger: asked.Danger, Reason: asked.Reason,
	}
	for _, name := range append([]string{"verb", "host", "type", "key"}, asked.fields...) {
		if query.Has(name) {
			data.Fields = append(data.Fields, field{name, query.Get(name)})
		}
	}
	for _, name := range asked.fields {
		data.Of = strings.TrimSpace(data.Of + " " + query.Get(name))
	}
	return data, nil
}

// target is what a change is of: a host or an actor.
type target struct {
	host string // id
	name string // of the host
	id   troupe.ID
}

// target finds what a form, or the address of a page that asks, is about.
func (p *pages) target(ctx context.Context, form url.Values) (of target, err error) {
	if form.Get("verb") != "drain" {
		of.id, err = idOf(form.Get("type"), form.Get("key"))
		return of, err
	}
	found, err := p.host(ctx, form.Get("host"))
	switch {
	case err != nil:
		return of, err
	case found == nil:
		return of, notFound("no host " + clean(form.Get("host")) + " is up")
	}
	return target{host: found.ID, name: found.Name}, nil
}

// done is what a page shows that leads back to it.
func (of target) done() doneData {
	if of.host != "" {
		return doneData{Back: hostLink(of.host), Kind: "Host", Name: of.name + " " + of.host}
	}
	key := look.KeyText(of.id)
	return doneData{Back: keyLink(of.id.Type(), key), Kind: of.id.Type(), Name: key, More: actLink(of.id.Type(), key)}
}
