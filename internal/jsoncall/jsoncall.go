// Package jsoncall calls actions whose inputs and outputs are JSON, for tools that have no contract.
package jsoncall

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"unicode/utf8"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
)

// errNoOutput is the codec's error for an empty body, which is the reply of an action without output.
var errNoOutput = codec.JSON.Unmarshal(nil, new(json.RawMessage))

// Invoke makes a call with an input, unless that is nil. The caller encodes in JSON: a client with codec.JSON. An action without
// output gives nil.
func Invoke(ctx context.Context, caller troupe.Caller, call troupe.Invocation, input json.RawMessage) (json.RawMessage, error) {
	var output json.RawMessage
	if call.Out = &output; input != nil {
		call.In = input
	}
	if err := caller.Invoke(ctx, call); err != nil && !errors.Is(err, errNoOutput) {
		return nil, err
	}
	return output, nil
}

var errUTF8 = errors.New("it is not UTF-8")

// Payload returns what decode decodes, as JSON. Nothing at all is null.
func Payload(decode func(into any) error) (json.RawMessage, error) {
	var payload any
	if err := decode(&payload); err != nil && !errors.Is(err, errNoOutput) {
		return nil, err
	}
	text, err := codec.JSON.Append(nil, payload)
	if err == nil && len(text) == 0 {
		text = []byte("null")
	}
	return text, err
}

// Input checks that a text is JSON. A blank one is nil, which is no input.
func Input(text []byte) (json.RawMessage, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, nil
	}
	if !utf8.Valid(text) { // encoding/json would replace what is not, silently
		return nil, errUTF8
	}
	var input json.RawMessage
	if err := json.Unmarshal(text, &input); err != nil {
		return nil, err
	}
	return input, nil
}
