// Package dedup remembers the answers to calls, so that a repeated call gets the same answer and does not run twice. It
// knows calls by what their callers say about them, and knows neither actors nor hosts.
package dedup

import (
	"hash/crc32"
	"strconv"

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

// Call is a call that may have come before.
type Call struct {
	ID     ID
	Action string
	Input  []byte
	Again  bool // it is a resent call
}

// sum is a checksum, which tells whether two calls with one request id are the same.
func (c Call) sum() uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Update(crc32.Checksum([]byte(c.Action), table), table, []byte{0}), table, c.Input)
}

// Verdict says what is remembered of a call.
type Verdict int

// Verdicts.
const (
	New      Verdict = iota
	Answered         // there is an output, or an error that says why there is none
	Over             // it was answered, and its caller has the answer
)
