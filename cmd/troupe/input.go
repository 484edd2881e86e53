package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/troupe-go/troupe/internal/jsoncall"
)

// readJSON returns the JSON in an argument or on stdin, after checking it, or nil for none. What names it in errors.
func readJSON(ctx context.Context, stdin io.Reader, argument *string, what string) (json.RawMessage, error) {
	var body []byte
	switch {
	case argument != nil && *argument != "-":
		body = []byte(*argument)
	case argument != nil || stdin != nil && !isTerminal(stdin):
		var err error
		if body, err = readAll(ctx, stdin); err != nil {
			return nil, fmt.Errorf("reading the %s from stdin: %w", what, err)
		}
	default:
		return nil, nil
	}
	value, err := jsoncall.Input(body)
	switch {
	case err != nil:
		return nil, usageError{fmt.Errorf("the %s is not JSON: %w (a string needs quotes: '\"text\"')", what, err)}
	case value == nil && argument != nil && *argument != "-":
		return nil, usageError{fmt.Errorf("the %s is not JSON: it is empty", what)}
	}
	return value, nil
}

// readAll is io.ReadAll that ends with ctx.
func readAll(ctx context.Context, r io.Reader) ([]byte, error) {
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		data, err := io.ReadAll(r)
		done <- result{data, err}
	}()
	select {
	case read := <-done:
		return read.data, read.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
