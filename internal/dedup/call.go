// Package dedup remembers the answers to calls, so that a repeated call gets the same answer and does not run twice. It
// knows calls by what their callers say about them, and knows neither actors nor hosts.
package dedup

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"strconv"
	"unsafe"

	"github.com/troupe-go/troupe/internal/wire"
)

// ID identifies a call, as far as its caller has done so: by a number, by a request id, by both or not at all.
type ID struct {
	wire.RequestID
	Given string
}

// Known reports whether the caller has identified the call.
func (id ID) Known() bool { return id.Number != 0 || id.Given != "" }

// String is the ID in logs and for actions.
func (id ID) String() string {
	if id.Given != "" || id.Number == 0 {
		return id.Given
	}
	return strconv.FormatUint(id.Caller, 36) + "-" + strconv.FormatUint(id.Number, 36)
}

// Scoped is the ID of a call from another account: nobody there can meet an id of another scope.
func (id ID) Scoped(account string) ID {
	if id.Number != 0 {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte(account+"\x00"), id.Caller))
		id.Caller = binary.BigEndian.Uint64(sum[:])
	}
	if id.Given != "" {
		sum := sha256.Sum256([]byte(account + "\x00" + id.Given))
		id.Given = nestedMark + base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return id
}

// Key identifies a call among all calls of an actor.
type Key [16]byte

// key is that of the request id, if there is one, and else of the number.
func (id ID) key() (k Key) {
	if id.Given != "" {
		sum := sha256.Sum256([]byte(id.Given))
		copy(k[:], sum[:])
		return k
	}
	binary.BigEndian.PutUint64(k[:8], id.Caller)
	binary.BigEndian.PutUint64(k[8:], id.Number)
	return k
}

// caller and number are those of a key that is no request id's.
func (k Key) caller() uint64 { return binary.BigEndian.Uint64(k[:8]) }

func (k Key) number() uint64 { return binary.BigEndian.Uint64(k[8:]) }

// tag is a part of a key that is short enough to be kept of very many.
func (k Key) tag() uint32 {
	mixed := k.caller()*0x9e3779b97f4a7c15 ^ k.number()*0xc2b2ae3d27d4eb4f
	return uint32((mixed ^ mixed>>29) * 0xbf58476d1ce4e5b9 >> 32)
}

// Call is a call that may have come before.
type Call struct {
	ID     ID
	Action string
	Input  []byte
	Mark   *Mark // of a call with a request id; of others it is made from the bytes
	Again  bool  // it is a resent call
}

// anySum is the sum of an answer that was remembered with another kind of sum.
const anySum = 0

// Mark is what is remembered of a call with a request id.
type Mark struct {
	key Key
	sum uint64 // of the action and the input
}

// NewMark returns the Mark of a call with a request id. Canonical is the input, in the form that all encodings of it have
// in common.
func NewMark(id ID, action string, canonical []byte) *Mark {
	b := append(make([]byte, 0, 128), action...)
	sum := sha256.Sum256(append(append(b, 0), canonical...))
	return &Mark{id.key(), binary.BigEndian.Uint64(sum[:])}
}

func (c *Call) key() Key {
	if c.Mark != nil {
		return c.Mark.key
	}
	return c.ID.key()
}

// sum tells whether two calls with one identity are the same.
func (c *Call) sum() uint64 {
	switch {
	case c.Mark != nil:
		return c.Mark.sum
	case c.ID.Given != "":
		return anySum
	}
	sum := crc32.Checksum(unsafe.Slice(unsafe.StringData(c.Action), len(c.Action)), castagnoli) // without a copy
	return uint64(crc32.Update(crc32.Update(sum, castagnoli, separator), castagnoli, c.Input))
}

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	separator  = []byte{0}
)

// nestedMark begins the request id of a nested call, which its host has made, and of one that is scoped.
const nestedMark = "~"

// Nesting tells apart the calls that an action makes, but for those of the same action of the same actor with the same
// input, in its canonical form. It depends on nothing but the call that runs the action, so it is the same when the action
// runs again, whatever the order of its calls.
func Nesting(actor, action string, parent ID, callee, calls string, input []byte) (k Key) {
	key, b := parent.key(), make([]byte, 0, 256)
	for _, text := range [...]string{actor, action, callee, calls} {
		b = append(append(b, text...), 0)
	}
	sum := sha256.Sum256(append(append(b, key[:]...), input...))
	copy(k[:], sum[:])
	return k
}

// Nested is the request id of a nested call: of the nth that is not told apart otherwise.
func (k Key) Nested(nth int) string {
	if nth > 0 {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64(k[:], uint64(nth)))
		copy(k[:], sum[:])
	}
	return nestedMark + base64.RawURLEncoding.EncodeToString(k[:])
}

// Verdict says what is remembered of a call.
type Verdict int

// Verdicts.
const (
	New      Verdict = iota
	Answered         // there is an answer
	Over             // it was answered, and its caller has the answer
	Unsure           // the archive may have the answer
)
