package wire

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
)

// requestHeaders are the headers that a host reads of a request.
var requestHeaders = [...]string{
	HeaderContentType, HeaderTimeout, HeaderExisting, HeaderChain, HeaderRequestID, HeaderCall, HeaderAttempt,
	HeaderConnection, HeaderInbox, HeaderCredit, troupe.HeaderAuthorization,
}

// ReadHeaders checks the headers of a request. It gives those of ours that are spelt in another case their own names. The
// error names a header that cannot be understood.
func (n Namespace) ReadHeaders(header Header) error {
	if len(header) == 0 {
		return nil
	}
	var first [len(requestHeaders)]*HeaderField
	for i := range header {
		f := &header[i]
		own := ownHeader(f.Name)
		if own < 0 {
			continue
		}
		f.Name = requestHeaders[own]
		if before := first[own]; before == nil {
			first[own] = f
		} else if before.Value != f.Value {
			return fmt.Errorf("the header %s has two values, %.40q and %.40q", f.Name, before.Value, f.Value)
		}
		if takes := n.misread(f.Name, f.Value); takes != "" {
			return fmt.Errorf("the header %s is %.40q, it takes %s", f.Name, f.Value, takes)
		}
	}
	return nil
}

// ownHeader returns which of requestHeaders a header is, in whatever case it is spelt, or -1.
func ownHeader(name string) int {
	for i, own := range requestHeaders {
		if len(own) == len(name) && (own == name || strings.EqualFold(own, name)) {
			return i
		}
	}
	return -1
}

// misread returns what a header of ours takes, if the value is not that.
func (n Namespace) misread(name, value string) (takes string) {
	ok := true
	switch name {
	case HeaderTimeout:
		takes, ok = "a whole number of milliseconds", isNumber(strings.TrimPrefix(value, "-"))
	case HeaderExisting:
		takes, ok = "1 or 0", value == "1" || value == "0"
	case HeaderAttempt:
		number := strings.TrimSuffix(value, questionMark)
		takes, ok = "a whole number from 1, perhaps with a ? behind it", isNumber(number) && strings.Trim(number, "0") != ""
	case HeaderRequestID:
		takes, ok = GivenID, IsGivenID(value)
	case HeaderCall:
		_, ok = ParseRequestID(value)
		takes, ok = "a reply subject NAME.id.NUMBER.FLOOR of at most 1,024 bytes", ok && len(value) <= maxInbox
	case HeaderConnection:
		takes, ok = "the id of a connection, spelt like a name", troupe.CheckName("connection", value) == nil
	case HeaderInbox:
		takes, ok = "the inbox of a client, of at most 256 bytes", len(value) <= MaxInbox && n.IsInbox(value)
	case HeaderCredit:
		n, err := strconv.Atoi(value)
		takes, ok = fmt.Sprintf("a whole number from 1 to %d", MaxCredit), err == nil && 1 <= n && n <= MaxCredit
	case troupe.HeaderAuthorization:
		takes, ok = "at most 8 KB", len(value) <= troupe.MaxHeaderBytes
	case HeaderChain:
		takes, ok = "actors as TYPE.KEY with commas between them, in at most 256 KB", len(value) <= MaxChainBytes && isChain(value)
	}
	if ok {
		return ""
	}
	return takes
}

// isNumber reports whether text has 1 to 19 digits and nothing else.
func isNumber(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return 0 < len(text) && len(text) <= 19
}

// isChain looks at each byte, and no further: an actor of a chain is only compared with the called one.
func isChain(chain string) bool {
	begins := true // an actor, or a part of its key
	for i := range len(chain) {
		switch c := chain[i]; {
		case c == '.' || c == ',':
			if begins {
				return false
			}
			begins = true
		case c == '=' || c == '_' || c == '-' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z':
			begins = false
		default:
			return false
		}
	}
	return !begins
}

var errLoneDigit = errors.New("one digit may be a number in JSON, or another one in msgpack: say which with the header " +
	"Content-Type, application/json or application/msgpack")

// RequestCodec returns the encoding of a request. Without Content-Type that is msgpack, unless the body can be JSON
// alone. With an error it returns the codec to answer in, nil if that is not known.
func RequestCodec(reply string, header Header, body []byte) (codec.Codec, error) {
	contentType := header.Get(HeaderContentType)
	switch {
	case contentType != "":
		return codec.ForContentType(contentType)
	case len(body) == 0 || !isText(body[0]):
		return codec.MsgPack, nil
	case len(body) > 1:
		return codec.JSON, nil
	case !isNumber(string(body)) || knowsProtocol(reply, header):
		return codec.MsgPack, nil
	}
	return codec.JSON, errLoneDigit
}

// isText reports whether JSON may begin with c. In msgpack c is then a number: nothing can follow it in a body.
func isText(c byte) bool { return ' ' <= c && c <= '~' || c == '\t' || c == '\n' || c == '\r' }

// knowsProtocol reports whether a request comes from a program that was written for the protocol.
func knowsProtocol(reply string, header Header) bool {
	if _, ok := ParseRequestID(reply); ok {
		return true
	}
	return slices.ContainsFunc(header, func(f HeaderField) bool { return strings.HasPrefix(f.Name, "Troupe-") })
}
