package troupe

import (
	"fmt"
	"strings"
)

// Limits of names and keys. They are checked before anything is sent, because a NATS server closes a connection that sends
// a subject of more than 4 KB.
const (
	MaxKeyParts  = 16   // of one key
	MaxKeyBytes  = 1024 // of all parts of one key together, before escaping
	MaxNameBytes = 64   // of the name of a type, an action, an event or a namespace
)

// ID names one actor by its type and its key. IDs can be compared and be keys of a map. The zero ID names no actor; any
// other is valid.
type ID struct {
	// text is the type and the escaped parts of the key, joined by dots: at once a run of subject tokens and a legal
	// key of a JetStream KV bucket. Two IDs are the same actor exactly when their texts are equal.
	text string
}

// NewID returns the ID of an actor. The key may have no parts, one or many; each part may be any string. ("a", "") and
// ("a") are two keys. The error has [CodeBadInput] and says which limit the name or the key breaks.
func NewID(actorType string, key ...string) (ID, error) {
	if err := CheckName("actor type", actorType); err != nil {
		return ID{}, err
	}
	if len(key) > MaxKeyParts {
		return ID{}, badInput("the key of %s has %d parts, at most %d are allowed", actorType, len(key), MaxKeyParts)
	}
	size := 0
	for _, part := range key {
		size += len(part)
	}
	if size > MaxKeyBytes {
		return ID{}, badInput("the key of %s has %d bytes, at most %d are allowed", actorType, size, MaxKeyBytes)
	}
	if len(key) == 0 {
		return ID{actorType}, nil
	}
	text := make([]byte, 0, len(actorType)+len(key)+size)
	text = append(text, actorType...)
	for _, part := range key {
		text = appendToken(append(text, '.'), part)
	}
	return ID{string(text)}, nil
}

// maxTokens is how long the tokens of an ID can be: each byte of a key may take three, each part a dot and a "=".
const maxTokens = MaxNameBytes + 2*MaxKeyParts + 3*MaxKeyBytes

// ParseID reads what [ID.Tokens] returns, and nothing else: another spelling of the same key would be a second address of
// one actor. The error has [CodeBadInput].
func ParseID(tokens string) (ID, error) {
	if len(tokens) > maxTokens {
		return ID{}, badInput("%.20q... is not an actor: it has %d bytes, at most %d are possible", tokens, len(tokens), maxTokens)
	}
	parts := strings.Split(tokens, ".")
	for i, token := range parts[1:] {
		part, err := unescape(token)
		if err != nil {
			return ID{}, badInput("%q is not an actor: %v", tokens, err)
		}
		parts[i+1] = part
	}
	id, err := NewID(parts[0], parts[1:]...)
	if err != nil {
		return ID{}, err
	}
	if id.text != tokens {
		return ID{}, badInput("%q is not an actor: its own spelling is %q", tokens, id.text)
	}
	return id, nil
}

// Type is the actor's type.
func (id ID) Type() string {
	actorType, _, _ := strings.Cut(id.text, ".")
	return actorType
}

// Key is the parts of the actor's key. It is nil for a key without parts.
func (id ID) Key() []string {
	_, tokens, ok := strings.Cut(id.text, ".")
	if !ok {
		return nil
	}
	key := strings.Split(tokens, ".")
	for i, token := range key {
		key[i], _ = unescape(token) // an ID holds only what appendToken wrote
	}
	return key
}

// Tokens is the actor as NATS sees it, in subjects and as the key of its record: "chatRoom.org1.lobby". In a key, the
// bytes A-Z a-z 0-9 _ and - stand for themselves. Any other byte is =XX, in upper case hexadecimal digits. An empty part
// is "=".
func (id ID) Tokens() string { return id.text }

// String is the actor as people see it: "chatRoom/org1/lobby". It has the escapes of [ID.Tokens].
func (id ID) String() string { return strings.ReplaceAll(id.text, ".", "/") }

// KeyString is the key alone as people see it: "org1/lobby".
func (id ID) KeyString() string {
	_, tokens, _ := strings.Cut(id.text, ".")
	return strings.ReplaceAll(tokens, ".", "/")
}

// IsZero reports whether id names no actor.
func (id ID) IsZero() bool { return id.text == "" }

// CheckName checks the name of an actor type, an action, an event or a namespace: a letter, then at most 63 letters,
// digits, underscores and hyphens. The kind says what is named, for the error, which has [CodeBadInput].
func CheckName(kind, name string) error {
	if name == "" {
		return badInput("the %s has no name", kind)
	}
	if len(name) > MaxNameBytes {
		return badInput("the name of the %s %.20q... has %d bytes, at most %d are allowed", kind, name, len(name), MaxNameBytes)
	}
	for i := range len(name) {
		if c := name[i]; !plain(c) || i == 0 && !letter(c) {
			return badInput("%q is no name for the %s: a letter, then letters, digits, '_' and '-'", name, kind)
		}
	}
	return nil
}

func letter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

func plain(c byte) bool { return letter(c) || '0' <= c && c <= '9' || c == '_' || c == '-' }

const hexDigits = "0123456789ABCDEF"

// appendToken appends the part of a key as one subject token.
func appendToken(dst []byte, part string) []byte {
	if part == "" {
		return append(dst, '=')
	}
	for i := range len(part) {
		if c := part[i]; plain(c) {
			dst = append(dst, c)
		} else {
			dst = append(dst, '=', hexDigits[c>>4], hexDigits[c&0xf])
		}
	}
	return dst
}

// unescape is the inverse of appendToken. It is lenient with what stands for itself; callers compare spellings.
func unescape(token string) (string, error) {
	if token == "=" || !strings.Contains(token, "=") {
		return strings.TrimPrefix(token, "="), nil
	}
	part := make([]byte, 0, len(token))
	for i := 0; i < len(token); i++ {
		if token[i] != '=' {
			part = append(part, token[i])
			continue
		}
		if i+2 >= len(token) {
			return "", fmt.Errorf("%q ends within an escape", token)
		}
		hi, lo := strings.IndexByte(hexDigits, token[i+1]), strings.IndexByte(hexDigits, token[i+2])
		if hi < 0 || lo < 0 {
			return "", fmt.Errorf("%q is no escape", token[i:i+3])
		}
		part = append(part, byte(hi<<4|lo))
		i += 2
	}
	return string(part), nil
}
