package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// printJSON writes a JSON value, indented or in one line.
func printJSON(w io.Writer, value []byte, indented bool) error {
	var out bytes.Buffer
	var err error
	if indented {
		err = json.Indent(&out, value, "", "  ")
	} else {
		err = json.Compact(&out, value)
	}
	if err != nil {
		return fmt.Errorf("the reply is not JSON: %w", err)
	}
	out.WriteByte('\n')
	_, err = w.Write(escapeControls(out.Bytes()))
	return err
}

// printLine writes a value as a line of JSON.
func (t terminal) printLine(v any) error {
	line, err := marshal(v)
	if err == nil {
		_, err = fmt.Fprintf(t.out, "%s\n", escapeControls(line))
	}
	return err
}

// printLines writes each value as a line of JSON.
func printLines[T any](t terminal, values []T) error {
	for _, v := range values {
		if err := t.printLine(v); err != nil {
			return err
		}
	}
	return nil
}

// marshal is json.Marshal without escapes for <, > and &.
func marshal(v any) ([]byte, error) {
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return bytes.TrimSuffix(line.Bytes(), []byte("\n")), err
}
