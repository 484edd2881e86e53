package store

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/record"
)

// A group is the changes of many actors as one message of a [Journal]. A change is the ID of the actor, the revision
// that a write of its record must expect, and the record. ID and record are preceded by their lengths. Numbers are
// varints of encoding/binary, except the length of a record, which is four bytes, big-endian.

// change is one change of a group.
type change struct {
	Tokens   string
	Revision uint64
	Record   []byte
}

// appendChange appends the change of a record to a group. Size is the length of the record alone.
func appendChange(group []byte, id troupe.ID, one record.Record) (longer []byte, size int) {
	tokens := id.Tokens()
	group = append(binary.AppendUvarint(group, uint64(len(tokens))), tokens...)
	group = binary.AppendUvarint(group, one.Revision)
	at := len(group) + 4
	group = one.Append(append(group, 0, 0, 0, 0))
	size = len(group) - at
	binary.BigEndian.PutUint32(group[at-4:], uint32(size))
	return group, size
}

var errBadGroup = errors.New("not a group of changes")

// parseGroup parses a group. The records share the memory of the message.
func parseGroup(group []byte) ([]change, error) {
	var changes []change
	for len(group) > 0 {
		length, n := binary.Uvarint(group)
		if n <= 0 || length > uint64(len(group)-n) {
			return nil, errBadGroup
		}
		var c change
		c.Tokens, group = string(group[n:n+int(length)]), group[n+int(length):]
		if _, err := troupe.ParseID(c.Tokens); err != nil {
			return nil, fmt.Errorf("%w: %w", errBadGroup, err)
		}
		if c.Revision, n = binary.Uvarint(group); n <= 0 || len(group) < n+4 {
			return nil, errBadGroup
		}
		length, group = uint64(binary.BigEndian.Uint32(group[n:])), group[n+4:]
		if length > uint64(len(group)) {
			return nil, errBadGroup
		}
		c.Record, group = group[:length:length], group[length:]
		changes = append(changes, c)
	}
	return changes, nil
}
