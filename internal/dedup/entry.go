package dedup

import (
	"encoding/binary"
	"errors"
)

// entry is an answer as it is remembered.
type entry struct {
	key Key
	sum uint64
	Answer

	given bool // the key is of a request id, and not of a number
}

// Answer is what a call was answered with.
type Answer struct {
	Output []byte
	JSON   bool // of that encoding is the output; else msgpack
	Long   bool // the output was too long to be kept
}

// The flags of an encoded entry.
const (
	flagGiven = 1 << iota
	flagLong
	flagJSON
	flagsEnd
)

func (e *entry) append(b []byte) []byte {
	flags := byte(0)
	for i, set := range [...]bool{e.given, e.Long, e.JSON} {
		if set {
			flags |= 1 << i
		}
	}
	b = append(b, flags)
	if e.given {
		b = append(b, e.key[:]...)
	} else {
		b = binary.AppendUvarint(append(b, e.key[:8]...), e.key.number())
	}
	b = binary.BigEndian.AppendUint64(b, e.sum)
	return append(binary.AppendUvarint(b, uint64(len(e.Output))), e.Output...)
}

var errEntry = errors.New("an answer cannot be read")

// scanner reads what append and its like have written. After an error everything is zero.
type scanner struct {
	data []byte
	err  error
}

func (s *scanner) fail() {
	s.data, s.err = nil, errEntry
}

func (s *scanner) bytes(n uint64) []byte {
	if n > uint64(len(s.data)) {
		s.fail()
		return nil
	}
	read := s.data[:n:n]
	s.data = s.data[n:]
	return read
}

func (s *scanner) byte() byte {
	if b := s.bytes(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (s *scanner) uint32() uint32 {
	if b := s.bytes(4); len(b) == 4 {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (s *scanner) uint64() uint64 {
	if b := s.bytes(8); len(b) == 8 {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (s *scanner) uvarint() uint64 {
	n, size := binary.Uvarint(s.data)
	if size <= 0 {
		s.fail()
		return 0
	}
	s.data = s.data[size:]
	return n
}

// count reads how many follow that take at least so many bytes each.
func (s *scanner) count(each int) int {
	n := s.uvarint()
	if n > uint64(len(s.data)/each) {
		s.fail()
		return 0
	}
	return int(n)
}

// entry reads an entry. It shares the memory of the data.
func (s *scanner) entry() (e entry) {
	flags := s.byte()
	if flags >= flagsEnd {
		s.fail()
		return entry{}
	}
	e.given, e.Long, e.JSON = flags&flagGiven != 0, flags&flagLong != 0, flags&flagJSON != 0
	if e.given {
		copy(e.key[:], s.bytes(16))
	} else {
		copy(e.key[:], s.bytes(8))
		if binary.BigEndian.PutUint64(e.key[8:], s.uvarint()); e.key.number() == 0 {
			s.fail()
		}
	}
	e.sum = s.uint64()
	e.Output = s.bytes(s.uvarint())
	return e
}
