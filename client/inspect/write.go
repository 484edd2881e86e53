package inspect

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/contract"
	"github.com/troupe-go/troupe/internal/jsoncall"
	"github.com/troupe-go/troupe/internal/look"
	"github.com/troupe-go/troupe/internal/store"
)

// actData is the page on which an actor can be called and changed.
type actData struct {
	Type, Key string
	Actions   []contract.Row
	Request   string // the id of the call that the form makes: sent twice, it takes effect once
	State     string // as JSON; empty: there is none, or too much of it
	Was       string // what the state is known by
}

// act shows what can be done to an actor, which need not exist.
func (p *pages) act(ctx context.Context, r *http.Request, page *page) (any, error) {
	page.Live = false // what is typed must stay
	if !p.mayWrite(r) {
		return nil, p.checkWrite(r)
	}
	id, err := idOf(r.URL.Query().Get("type"), r.URL.Query().Get("key"))
	if err != nil {
		return nil, err
	}
	page.Title = look.ActorText(id)
	shown := &actorData{}
	if err := p.addRecord(ctx, id, shown); err != nil && !errors.Is(err, troupe.ErrNotFound) {
		return nil, err
	}
	data := &actData{Type: id.Type(), Key: look.KeyText(id), Request: rand.Text(), Actions: p.actionsOf(ctx, id.Type())}
	if state, err := codec.ToJSON(shown.Record.State); err == nil && len(state) > 0 && len(state) <= mostState {
		var text bytes.Buffer
		if err := json.Indent(&text, state, "", "  "); err != nil {
			return nil, err
		}
		data.State, data.Was = text.String(), known(shown.Record.State) // as it is: what is shown is what is stored again
	}
	return data, nil
}

// actionsOf lists the actions of a type, and behind them the types that these name, as far as a host tells them.
func (p *pages) actionsOf(ctx context.Context, actorType string) []contract.Row {
	seen, err := p.samples.last(ctx)
	if err != nil {
		return nil
	}
	found, err := p.looker.Contract(ctx, seen.hosts, actorType)
	if err != nil || found == nil {
		return nil
	}
	rows, err := contract.Rows(found)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(rows, func(row contract.Row) bool {
		return !strings.HasSuffix(row.Kind, "action") && row.Kind != "type" // read-only actions too
	})
}

// call calls an action with an input in JSON. The same request is one call.
func (p *pages) call(ctx context.Context, id troupe.ID, action, input, request string) (output string, err error) {
	given, err := jsoncall.Input([]byte(input))
	if err != nil {
		return "", &troupe.Error{Code: troupe.CodeBadInput, Message: "the input is no JSON: " + clean(err.Error())}
	}
	if request == "" {
		return "", &troupe.Error{Code: troupe.CodeBadInput, Message: "the form has no request id"}
	}
	if err := troupe.CheckName("action", strings.TrimPrefix(action, "_")); err != nil {
		return "", err
	}
	answer, err := p.invoke(troupe.WithRequestID(ctx, request), troupe.Invocation{ID: id, Action: action}, given)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	if json.Indent(&out, answer, "", "  ") != nil {
		out.Write(answer)
	}
	return cleanLines(out.String()), nil
}

// invoke makes a call as the user of the connection. A client of its own leaves nothing behind.
func (p *pages) invoke(ctx context.Context, call troupe.Invocation, input json.RawMessage) (output json.RawMessage, err error) {
	c, err := client.New(p.nc, client.Config{Namespace: p.namespace.Name(), Codec: codec.JSON, FailWithoutHost: true})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close(context.WithoutCancel(ctx))) }()
	return jsoncall.Invoke(ctx, c, call, input)
}

// setState puts an actor to sleep and replaces its state, unless that is another than the one that was edited.
func (p *pages) setState(ctx context.Context, id troupe.ID, given, was string) error {
	_, err := p.invoke(ctx, troupe.Invocation{ID: id, Action: troupe.SleepAction, Existing: true}, nil)
	if err != nil && !errors.Is(err, troupe.ErrNotFound) && !errors.Is(err, troupe.ErrUnknownType) {
		return err
	}
	records, err := p.looker.Records(ctx)
	if err != nil {
		return err
	}
	if records == nil {
		return notFound("no host has run yet in the namespace " + p.namespace.Name())
	}
	defer func() { _ = records.Close() }() // its one write is over
	found, err := records.Get(ctx, id)
	if err != nil {
		return err
	}
	if found.Owner != "" {
		if err := p.looker.Ask(ctx, p.namespace.Ping(found.Owner), nil, nil); err != nil {
			return &troupe.Error{Code: troupe.CodeUnavailable, Err: err,
				Message: "the host of the actor does not reply, and may have more of it than its record: troupe state set waits for that"}
		}
	}
	if known(found.State) != was {
		return errChanged
	}
	if found.State, err = edited([]byte(given), found.State); err != nil {
		return err
	}
	found.Owner, found.Created = "", true // the host that is called next claims it
	if _, err = records.Put(ctx, id, found); errors.Is(err, store.ErrConflict) {
		return errChanged // the actor was woken
	}
	return err
}

// edited is a state in msgpack, from its JSON and what it was before.
func edited(given, before []byte) ([]byte, error) {
	stored, err := codec.ToJSON(before)
	if err != nil {
		return nil, err
	}
	unknown, fields, err := look.UnknownFields(given, stored)
	if err == nil && len(unknown) > 0 {
		err = errors.New("the stored state has no field " + strings.Join(unknown, ", ") + ", it has " + strings.Join(fields, ", "))
	}
	var state []byte
	if err == nil {
		state, err = codec.FromJSON(given, before)
	}
	if err != nil {
		return nil, &troupe.Error{Code: troupe.CodeBadInput, Message: "the state: " + clean(err.Error())}
	}
	return state, nil
}

// known is what a state is known by.
func known(state []byte) string {
	sum := sha256.Sum256(state)
	return hex.EncodeToString(sum[:])
}
