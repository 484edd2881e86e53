package store

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/troupe-go/troupe"
)

// A group is what actors have changed at the same moment, as one message of a [Journal]: of each its ID, the revision that
// a write of its record must expect, and the record, the first and the last with their lengths before them. The numbers
// are those of encoding/binary, varints but for the length of a record, which has four bytes, the most significant first.

// change is one of a group.
type change struct {
	Tokens   string
	Revision uint64
	Record   []byte
}

// appendChange appends a record to a group, and says how many bytes it has by itself.
func appendChange(group []byte, id troupe.ID, record Record) (longer []byte, size int, err error) {
	tokens := id.Tokens()
	group = append(binary.AppendUvarint(group, uint64(len(tokens))), tokens...)
	group = binary.AppendUvarint(group, record.Revision)
	at := len(group) + 4
	if group, err = record.append(append(group, 0, 0, 0, 0)); err != nil {
		return nil, 0, fmt.Errorf("encoding the record of %s: %w", id, err)
	}
	size = len(group) - at
	binary.BigEndian.PutUint32(group[at-4:], uint32(size))
	return group, size, nil
}

var errNoGroup = errors.New("it is no group of changes")

// parseGroup takes a group apart. What it returns lies in the message.
func parseGroup(group []byte) ([]change, error) {
	var changes []change
	for len(group) > 0 {
		length, n := binary.Uvarint(group)
		if n <= 0 || length > uint64(len(group)-n) {
			return nil, errNoGroup
		}
		var c change
		c.Tokens, group = string(group[n:n+int(length)]), group[n+int(length):]
		if _, err := troupe.ParseID(c.Tokens); err != nil {
			return nil, fmt.Errorf("%w: %w", errNoGroup, err)
		}
		if c.Revision, n = binary.Uvarint(group); n <= 0 || len(group) < n+4 {
			return nil, errNoGroup
		}
		length, group = uint64(binary.BigEndian.Uint32(group[n:])), group[n+4:]
		if length > uint64(len(group)) {
			return nil, errNoGroup
		}
		c.Record, group = group[:length:length], group[length:]
		changes = append(changes, c)
	}
	return changes, nil
}
