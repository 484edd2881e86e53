package main

import (
	"bytes"
	"fmt"
	"strings"
)

// Anybody may have sent anything to actors. None of it may move the cursor of a terminal, or worse.

// stripControls replaces the control characters in text by spaces.
func stripControls(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || isControl(r) {
			return ' '
		}
		return r
	}, text)
}

// escapeControls escapes the control characters that JSON allows in strings.
func escapeControls(value []byte) []byte {
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

// isControl reports control characters above the space.
func isControl(r rune) bool { return 0x7f <= r && r < 0xa0 }
