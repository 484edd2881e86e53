package wire

import (
	"strconv"
	"strings"
)

// MaxCredit is the most that [HeaderCredit] may be.
const MaxCredit = 1 << 16

// NoMoreItems is what a reader publishes to [Namespace.Stream] when it wants no more.
const NoMoreItems = "-"

// Stream is what subjects about a stream begin with, at the host that produces it. With [Item] they are those of one item: the reply
// subject of a message with items has the number of the first of them. An empty message to that of an item says that the reader has
// handled it, and all before.
func (n Namespace) Stream(host, id string) string { return n.name + ".host." + host + ".stream." + id }

// IsStream reports whether a subject is one of a stream.
func (n Namespace) IsStream(subject string) bool {
	request, _ := n.HostRequest(subject)
	return request == "stream"
}

// Item is the subject of an item of a stream.
func Item(stream string, number uint64) string {
	return string(strconv.AppendUint(append(make([]byte, 0, len(stream)+1+20), stream+"."...), number, 10))
}

// ParseItem is the reverse of [Item]. Of the stream it needs nothing but the last token.
func ParseItem(subject string) (stream string, number uint64, ok bool) {
	dot := strings.LastIndexByte(subject, '.')
	if dot <= 0 {
		return "", 0, false
	}
	number, err := strconv.ParseUint(subject[dot+1:], 10, 64)
	return subject[:dot], number, err == nil
}
