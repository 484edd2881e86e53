package store

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// A message of the [Archive] is a group of blocks: a byte with the version, and then each block, preceded by its length
// as a varint of encoding/binary.
const answersVersion = 1

// maxAnswersBytes is the size of a group. A larger block is a group of its own.
const maxAnswersBytes = 16 << 10

// ErrBadAnswers is the error of a message that is not a group of blocks: somebody else wrote it.
var ErrBadAnswers = errors.New("not a group of answers")

// appendBlock appends a block to a group, which is nil at first. Offset is where the block is in it. With ok false
// there is no room for it.
func appendBlock(group, block []byte) (longer []byte, offset uint32, ok bool) {
	switch {
	case len(group) == 0:
		group = append(make([]byte, 0, 1+binary.MaxVarintLen32+len(block)), answersVersion)
	case len(group)+binary.MaxVarintLen32+len(block) > maxAnswersBytes:
		return group, 0, false
	}
	longer = binary.AppendUvarint(group, uint64(len(block)))
	return append(longer, block...), uint32(len(group)), true
}

// blockAt returns the block at an offset of a group. It shares the memory of the group.
func blockAt(group []byte, offset uint32) ([]byte, error) {
	if len(group) == 0 || group[0] != answersVersion {
		return nil, ErrBadAnswers
	}
	for at := 1; at < len(group) && at <= int(offset); {
		length, n := binary.Uvarint(group[at:])
		if n <= 0 || length > uint64(len(group)-at-n) {
			return nil, ErrBadAnswers
		}
		begin, end := at+n, at+n+int(length)
		if at == int(offset) {
			return group[begin:end:end], nil
		}
		at = end
	}
	return nil, fmt.Errorf("%w: no block begins at %d", ErrBadAnswers, offset)
}
