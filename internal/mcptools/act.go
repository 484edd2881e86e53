package mcptools

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/jsoncall"
	"github.com/troupe-go/troupe/internal/look"
	"github.com/troupe-go/troupe/internal/wire"
)

// actions are the tools that call: one for each action of the types that are up.
type actions struct {
	server *mcp.Server
	config Config
	looker *look.Looker

	mu    sync.Mutex
	added map[string]string // schemas, by the name of the tool
}

// mostActions is how many actions are tools. A model has to read all of them.
const mostActions = 200

// refresh has the tools be those of the types that are up now.
func (a *actions) refresh(ctx context.Context) {
	contracts, err := a.looker.Contracts(ctx)
	if err != nil {
		return // those of before remain: each call says what is wrong
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	gone := maps.Clone(a.added)
	for _, c := range contracts {
		if troupe.CheckName("actor type", c.Type) != nil || len(a.config.Types) > 0 && !slices.Contains(a.config.Types, c.Type) {
			continue
		}
		for _, action := range slices.Sorted(maps.Keys(c.Actions)) {
			name := toolName(c.Type, action)
			if troupe.CheckName("action", action) != nil || gone[name] == "" && len(a.added) >= mostActions {
				continue
			}
			delete(gone, name)
			a.add(name, action, c)
		}
	}
	for name := range gone {
		delete(a.added, name)
		a.server.RemoveTools(name)
	}
}

// none reports whether there are no tools yet.
func (a *actions) none() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.added) == 0
}

// add adds the tool of an action, unless it is there.
func (a *actions) add(name, action string, c *wire.Contract) {
	defer func() { _ = recover() }() // the schema is a host's: what the library cannot take is no tool
	schema := schemaOf(c, action)
	if a.added[name] == string(schema) {
		return
	}
	description := fmt.Sprintf("Calls the action %s of an actor of the type %s, which is created if there is none. The same call within "+
		"15 minutes runs once, and gives what the first one gave: to have it run again, give it a request_id of its own.", action, c.Type)
	if c.Actions[action].Result != nil {
		description += " It starts a workflow: show_workflow says how far that is."
	}
	a.server.AddTool(&mcp.Tool{
		Name: name, Description: description, InputSchema: schema, Annotations: &mcp.ToolAnnotations{IdempotentHint: true},
	}, func(ctx context.Context, request *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		out, err := a.call(ctx, c.Type, action, request.Params.Arguments)
		return resultOf(out, err), nil
	})
	a.added[name] = string(schema)
}

// maxToolName is how long the names of tools may be that all clients take.
const maxToolName = 64

// toolName is the name of the tool of an action.
func toolName(actorType, action string) string {
	name := "call_" + actorType + "_" + action
	if len(name) > maxToolName {
		sum := fnv.New32a()
		_, _ = sum.Write([]byte(actorType + "." + action)) // never fails
		name = fmt.Sprintf("%s_%08x", name[:maxToolName-9], sum.Sum32())
	}
	return name
}

type object = map[string]any

// schemaOf is the schema of the arguments of a tool. What the action takes refers to $defs, which are at its root.
func schemaOf(c *wire.Contract, action string) json.RawMessage {
	properties := object{
		"key":      object{"type": "string", "description": "the key of the actor, such as org1/lobby"},
		"existing": object{"type": "boolean", "description": "fail if there is no such actor"},
		"request_id": object{"type": "string", "minLength": 1, "maxLength": wire.MaxRequestID,
			"description": "names the call: with another name it runs again"},
	}
	required := []string{"key"}
	var input struct {
		Type any `json:"type"`
	}
	if in := c.Actions[action].In; len(in) > 0 && (json.Unmarshal(in, &input) != nil || input.Type != "null") {
		properties["input"] = in
		required = append(required, "input")
	}
	schema := object{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
	if len(c.Defs) > 0 {
		schema["$defs"] = c.Defs
	}
	text, err := json.Marshal(schema)
	if err != nil {
		return nil // what a host has sent was JSON
	}
	return text
}

// arguments are those of a tool.
type arguments struct {
	Key       *string         `json:"key"`
	Existing  bool            `json:"existing"`
	RequestID string          `json:"request_id"`
	Input     json.RawMessage `json:"input"`
}

// done is what a call has given.
type done struct {
	Output    json.RawMessage `json:"output"` // null: it has none
	RequestID string          `json:"request_id"`
}

func (a *actions) call(ctx context.Context, actorType, action string, given json.RawMessage) (*done, error) {
	var args arguments
	decoder := json.NewDecoder(bytes.NewReader(given))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&args); err != nil {
		return nil, errs.New(troupe.CodeBadInput, "the arguments: %v", err)
	}
	if args.Key == nil {
		return nil, errs.New(troupe.CodeBadInput, "the arguments have no key")
	}
	id, err := ofActor{actorType, *args.Key}.id()
	if err != nil {
		return nil, errs.New(troupe.CodeBadInput, "%v", err)
	}
	input, err := jsoncall.Input(args.Input)
	if err != nil {
		return nil, errs.New(troupe.CodeBadInput, "the input is not JSON: %v", err)
	}
	request := cmp.Or(args.RequestID, requestID(a.config.Who, id, action, args.Existing, input))
	ctx, cancel := context.WithTimeout(troupe.WithRequestID(ctx, request), a.config.Timeout)
	defer cancel()
	output, err := jsoncall.Invoke(ctx, a.config.Caller, troupe.Invocation{ID: id, Action: action, Existing: args.Existing}, input)
	if output == nil {
		output = json.RawMessage("null")
	}
	return &done{output, request}, err
}

// requestID names a call by all that it is. Models repeat calls, and write the same object in another order.
func requestID(who string, id troupe.ID, action string, existing bool, input json.RawMessage) string {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(input))
	decoder.UseNumber()
	if decoder.Decode(&value) == nil {
		if sorted, err := json.Marshal(value); err == nil {
			input = sorted
		}
	}
	sum := sha256.New()
	for _, part := range []string{who, id.Tokens(), action, fmt.Sprint(existing), string(input)} {
		fmt.Fprintf(sum, "%d:%s", len(part), part)
	}
	return "mcp-" + hex.EncodeToString(sum.Sum(nil)[:16])
}

// resultOf is the result of a call. An error is for the model to read.
func resultOf(out *done, err error) *mcp.CallToolResult {
	var value any = out
	if err != nil {
		failed := errs.As(err)
		value = object{"code": failed.Code, "message": failed.Message, "metadata": failed.Metadata, "retryable": failed.Retryable}
	}
	text, failed := json.Marshal(value)
	if failed != nil { // metadata that JSON cannot hold
		plain := struct {
			Code    troupe.Code `json:"code"`
			Message string      `json:"message"`
		}{errs.As(err).Code, errs.As(err).Message}
		if text, failed = json.Marshal(plain); failed != nil {
			text = []byte("{}") // two texts always can be
		}
	}
	return &mcp.CallToolResult{
		IsError: err != nil, StructuredContent: json.RawMessage(text), Content: []mcp.Content{&mcp.TextContent{Text: string(text)}},
	}
}
