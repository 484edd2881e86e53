// Package dedup remembers what calls were answered, so that one that comes again gets the same answer and does not run
// twice. It knows calls by what their callers say of them, and neither actors nor hosts.
package dedup

import (
	"hash/crc32"
	"strconv"

	"github.com/troupe-go/troupe/internal/wire"
)

// ID is what tells a call from others, as far as its caller has said it: by a number, by a text that it has given, by
// both or not at all.
type ID struct {
	wire.RequestID
	Given string
}

// Known reports whether the caller has said anything.
func (id ID) Known() bool { return id.Number != 0 || id.Given != "" }

// String is what the logs, and actions, see of it.
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
	Again  bool // it is not sent for the first time
}

// sum tells whether two calls with one given id are the same call.
func (c Call) sum() uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Update(crc32.Checksum([]byte(c.Action), table), table, []byte{0}), table, c.Input)
}

// Verdict is what is remembered of a call.
type Verdict int

// Verdicts.
const (
	New      Verdict = iota
	Answered         // with the output, or with an error that says why there is none
	Over             // and its caller does not wait any more
)
