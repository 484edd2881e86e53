package actorhost

import (
	"encoding/binary"
	"math"
)

// The answers of an actor are written with every change of it, so their msgpack is put together by hand: that takes a
// tenth of the time which a codec takes to find out what they are.

// append appends the encoding, as a codec would make it.
func (s *storedAnswers) append(b []byte) []byte {
	fields := byte(2)
	if s.Forgetful {
		fields++
	}
	b = append(b, fixMap|fields)
	b = appendText(b, "kept")
	b = append(b, array32)
	b = binary.BigEndian.AppendUint32(b, uint32(len(s.Kept)))
	for i := range s.Kept {
		b = s.Kept[i].append(b)
	}
	b = appendText(b, "callers")
	b = append(b, map32)
	b = binary.BigEndian.AppendUint32(b, uint32(len(s.Callers)))
	for id, c := range s.Callers {
		b = c.append(appendUint(b, id))
	}
	if s.Forgetful {
		b = append(appendText(b, "forgetful"), isTrue)
	}
	return b
}

func (a *answer) append(b []byte) []byte {
	at, fields := len(b), byte(0)
	b = append(b, fixMap)
	field := func(name string) {
		fields++
		b = appendText(b, name)
	}
	if a.Number != 0 {
		field("c")
		b = appendUint(b, a.Caller)
		field("n")
		b = appendUint(b, a.Number)
	}
	if a.Given != "" {
		field("g")
		b = appendText(b, a.Given)
		field("s")
		b = appendUint(b, uint64(a.Sum))
	}
	if len(a.Output) > 0 {
		field("o")
		b = appendBytes(b, a.Output)
	}
	if a.Long {
		field("l")
		b = append(b, isTrue)
	}
	b[at] |= fields
	return b
}

func (c *caller) append(b []byte) []byte {
	b = append(b, fixMap|3)
	b = appendUint(appendText(b, "f"), c.Floor)
	b = appendUint(appendText(b, "h"), c.Highest)
	return appendUint(appendText(b, "l"), c.Lost)
}

// The first bytes of the parts, see the specification of msgpack.
const (
	isTrue   = 0xc3
	smallInt = 0x80 // which is its own first byte, if it is less
	uint16s  = 0xcd
	uint32s  = 0xce
	uint64s  = 0xcf
	bin8     = 0xc4
	bin32    = 0xc6
	fixText  = 0xa0
	text32   = 0xdb
	fixMap   = 0x80
	map32    = 0xdf
	array32  = 0xdd
)

func appendUint(b []byte, n uint64) []byte {
	switch {
	case n < smallInt:
		return append(b, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, uint16s), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, uint32s), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(b, uint64s), n)
}

func appendBytes(b, data []byte) []byte {
	if len(data) <= math.MaxUint8 {
		b = append(b, bin8, byte(len(data)))
	} else {
		b = binary.BigEndian.AppendUint32(append(b, bin32), uint32(len(data)))
	}
	return append(b, data...)
}

func appendText(b []byte, text string) []byte {
	if len(text) < 32 {
		b = append(b, fixText|byte(len(text)))
	} else {
		b = binary.BigEndian.AppendUint32(append(b, text32), uint32(len(text)))
	}
	return append(b, text...)
}
