package calls

import (
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

// appendInput encodes the input of a call.
func appendInput(dst []byte, as codec.Codec, call *Call) ([]byte, error) {
	if call.In == nil {
		return dst, nil
	}
	body, err := as.Append(dst, codec.Filled(call.In))
	if err != nil {
		return nil, &troupe.Error{Code: troupe.CodeBadInput, Err: err,
			Message: fmt.Sprintf("%s.%s: the input cannot be encoded: %v", call.ID, call.Action, err)}
	}
	return body, nil
}

// headers are memory for the headers of a call, which the next call uses again.
type headers struct {
	header nats.Header
	values []string
	size   int // bytes of all that were set, or more
}

// aroundHeader is more than what is around a header in a message.
const aroundHeader = 16

func newHeaders() headers { return headers{values: make([]string, 0, 2)} }

// emptied is the memory for the next call. Nobody may use the headers any more.
func (h *headers) emptied() headers {
	clear(h.header)
	clear(h.values)
	return headers{header: h.header, values: h.values[:0]}
}

func (h *headers) set(msg *nats.Msg, name, value string) {
	if h.header == nil {
		h.header = make(nats.Header, 2)
	}
	if msg.Header == nil {
		msg.Header = h.header
	}
	h.size += len(name) + len(value) + aroundHeader
	if n := len(h.values); n < cap(h.values) && msg.Header[name] == nil {
		h.values = append(h.values, value)
		msg.Header[name] = h.values[n : n+1 : n+1]
		return
	}
	msg.Header[name] = []string{value}
}

// setAll sets what is not the default. The chain is of the actors that wait for the call's answer.
func (h *headers) setAll(msg *nats.Msg, as codec.Codec, chain, requestID string, call *Call) {
	if as != codec.MsgPack {
		h.set(msg, wire.HeaderContentType, as.ContentType())
	}
	if call.Existing {
		h.set(msg, wire.HeaderExisting, "1")
	}
	for _, one := range [...]struct{ name, value string }{
		{wire.HeaderChain, chain},
		{wire.HeaderConnection, call.Connection},
		{wire.HeaderInbox, call.Inbox},
		{wire.HeaderRequestID, requestID},
	} {
		if one.value != "" {
			h.set(msg, one.name, one.value)
		}
	}
}
