package wire

import (
	"cmp"
	"hash/fnv"
	"strconv"
	"strings"
)

// requestIDMark distinguishes a reply subject with a RequestID.
const requestIDMark = ".id."

// RequestID identifies a request of a caller, however often it is sent. It costs no header: a reply subject that ends
// with id.NUMBER.FLOOR, both in base 36, is one. What comes before names the caller. Servers change the reply subjects of
// requests that they take to another account; where they may, [HeaderCall] has it as the caller made it.
type RequestID struct {
	Caller uint64 // the FNV-1a hash of its name
	Number uint64 // from 1; the caller uses no number twice
	// Floor is the lowest number of the requests to the same actor whose answer the caller still awaits. Answers to
	// lower ones need not be kept (the idea is from RIFL, SOSP 2015).
	Floor uint64
}

// Identify returns the identity of a request, whose headers [Namespace.ReadHeaders] has checked: the zero RequestID if it
// has none. It also reports whether header and reply subject are the same: the caller may then leave out the header.
func Identify(reply string, header Header) (id RequestID, arrives bool) {
	named := header.Get(HeaderCall)
	id, _ = ParseRequestID(cmp.Or(named, reply))
	return id, named != "" && named == reply
}

// ParseRequestID parses a reply subject.
func ParseRequestID(reply string) (id RequestID, ok bool) {
	floor := strings.LastIndexByte(reply, '.')
	if floor < 0 {
		return RequestID{}, false
	}
	number := strings.LastIndexByte(reply[:floor], '.')
	if number < 0 || !strings.HasSuffix(reply[:number+1], requestIDMark) {
		return RequestID{}, false
	}
	var errNumber, errFloor error
	id.Number, errNumber = strconv.ParseUint(reply[number+1:floor], 36, 64)
	id.Floor, errFloor = strconv.ParseUint(reply[floor+1:], 36, 64)
	if errNumber != nil || errFloor != nil || id.Number == 0 || id.Floor > id.Number {
		return RequestID{}, false
	}
	name := fnv.New64a()
	_, _ = name.Write([]byte(reply[:number+1-len(requestIDMark)])) // never fails
	id.Caller = name.Sum64()
	return id, true
}
