package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// printJSON writes a value in one line, or indented for people.
func printJSON(w io.Writer, value []byte, indented bool) error {
	var out bytes.Buffer
	var err error
	if indented {
		err = json.Indent(&out, value, "", "  ")
	} else {
		err = json.Compact(&out, value)
	}
	if err != nil {
		return fmt.Errorf("what arrived is no JSON: %w", err)
	}
	out.WriteByte('\n')
	_, err = w.Write(readable(out.Bytes()))
	return err
}

// printLine writes a value as JSON for scripts.
func (e env) printLine(v any) error {
	line, err := marshal(v)
	if err == nil {
		_, err = fmt.Fprintf(e.out, "%s\n", readable(line))
	}
	return err
}

// marshal is json.Marshal that leaves <, > and & readable.
func marshal(v any) ([]byte, error) {
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return bytes.TrimSuffix(line.Bytes(), []byte("\n")), err
}

// Actors may have been told anything by anybody. None of it may move the cursor of a terminal, or worse.

// oneLine takes the control characters out of text.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || isControl(r) {
			return ' '
		}
		return r
	}, text)
}

// readable escapes the control characters that JSON allows in its strings.
func readable(value []byte) []byte {
	if !bytes.ContainsFunc(value, isControl) {
		return value
	}
	var out bytes.Buffer
	for _, r := range string(value) {
		if isControl(r) {
			fmt.Fprintf(&out, `\u%04x`, r)
		} else {
			out.WriteRune(r)
		}
	}
	return out.Bytes()
}

// isControl knows those that are not below the space.
func isControl(r rune) bool { return 0x7f <= r && r < 0xa0 }
