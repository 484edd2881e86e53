package look

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/troupe-go/troupe"
)

// KeyText is an actor's key as people read it, and as [ParseKey] takes it: letters of any script stand for themselves.
// A shell takes it without quotes.
func KeyText(id troupe.ID) string {
	var text strings.Builder
	for i, part := range id.Key() {
		if i > 0 {
			text.WriteByte('/')
		}
		if part == "" {
			text.WriteByte('=')
		}
		for at := 0; at < len(part); {
			r, size := utf8.DecodeRuneInString(part[at:])
			switch {
			case at == 0 && i == 0 && r == '-': // it would be taken for a flag
				text.WriteString("=2D")
			case readable(r) && (r != utf8.RuneError || size > 1):
				text.WriteRune(r)
			default:
				for _, b := range []byte(part[at : at+size]) {
					fmt.Fprintf(&text, "=%02X", b)
				}
			}
			at += size
		}
	}
	return text.String()
}

// ActorText is an actor as people read it: its type and its [KeyText].
func ActorText(id troupe.ID) string {
	if key := KeyText(id); key != "" {
		return id.Type() + "/" + key
	}
	return id.Type()
}

// TokensText is the [ActorText] of an actor, from its tokens.
func TokensText(tokens string) string {
	id, err := troupe.ParseID(tokens)
	if err != nil {
		return strings.ReplaceAll(tokens, ".", "/")
	}
	return ActorText(id)
}

// readable reports whether a character is printed as it is. A shell gives no meaning to any of these.
func readable(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("_-.:,@+", r)
	}
	return unicode.IsPrint(r)
}

// ParseKey parses a key as people write it, the inverse of [KeyText] and of troupe.ID.KeyString: parts separated by slashes. The empty
// string is the key without parts, a lone "=" is the empty part, =XX is a byte in upper-case hexadecimal, and any other
// byte stands for itself.
func ParseKey(text string) ([]string, error) {
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
