package main

import (
	"fmt"
	"strconv"
	"strings"
)

// parseKey reads the KEY of a command line, the inverse of troupe.ID.KeyString: parts separated by slashes. The empty
// text is the key of no parts, a lone "=" is the empty part, =XX is the byte with this number in upper case
// hexadecimal digits, and any other byte stands for itself.
func parseKey(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	parts := strings.Split(text, "/")
	for i, part := range parts {
		raw, err := parsePart(part)
		if err != nil {
			return nil, fmt.Errorf("%q is no key: %w", text, err)
		}
		parts[i] = raw
	}
	return parts, nil
}

// parsePart refuses what may be a slip, because it would quietly be another actor.
func parsePart(part string) (string, error) {
	switch part {
	case "":
		return "", fmt.Errorf("it has an empty part: write it as a lone %q", "=")
	case "=":
		return "", nil
	}
	var raw strings.Builder
	for part != "" {
		plain, rest, escaped := strings.Cut(part, "=")
		raw.WriteString(plain)
		if !escaped {
			break
		}
		if len(rest) < 2 || strings.ToUpper(rest[:2]) != rest[:2] {
			return "", fmt.Errorf("%q begins no escape: write %q for the byte itself", "="+rest, "=3D")
		}
		b, err := strconv.ParseUint(rest[:2], 16, 8)
		if err != nil {
			return "", fmt.Errorf("%q is no escape: write %q for the byte itself", "="+rest[:2], "=3D")
		}
		raw.WriteByte(byte(b))
		part = rest[2:]
	}
	return raw.String(), nil
}
