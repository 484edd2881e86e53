package main

import (
	"fmt"
	"strconv"
	"strings"
)

// parseKey parses the KEY of a command line, the inverse of troupe.ID.KeyString: parts separated by slashes. The empty
// string is the key without parts, a lone "=" is the empty part, =XX is a byte in upper-case hexadecimal, and any other
// byte stands for itself.
func parseKey(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	parts := strings.Split(text, "/")
	for i, part := range parts {
		raw, err := parsePart(part)
		if err != nil {
			return nil, fmt.Errorf("%q is not a key: %w", text, err)
		}
		parts[i] = raw
	}
	return parts, nil
}

// parsePart refuses likely typing errors, because they would silently name another actor.
func parsePart(part string) (string, error) {
	switch part {
	case "":
		return "", fmt.Errorf("for an empty part, write a lone %q", "=")
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
			return "", fmt.Errorf("%q is not an escape: for the byte %q itself, write %q", "="+rest, "=", "=3D")
		}
		b, err := strconv.ParseUint(rest[:2], 16, 8)
		if err != nil {
			return "", fmt.Errorf("%q is not an escape: for the byte %q itself, write %q", "="+rest[:2], "=", "=3D")
		}
		raw.WriteByte(byte(b))
		part = rest[2:]
	}
	return raw.String(), nil
}
