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

// headerOf has what is not the default. The chain is of the actors that wait for the call's answer.
func headerOf(as codec.Codec, chain, requestID string, call *Call) nats.Header {
	if as == codec.MsgPack && !call.Existing && chain == "" && requestID == "" && call.Connection == "" {
		return nil
	}
	header := make(nats.Header, 2)
	wire.SetContentType(header, as)
	if call.Existing {
		header[wire.HeaderExisting] = []string{"1"}
	}
	if chain != "" {
		header[wire.HeaderChain] = []string{chain}
	}
	if call.Connection != "" {
		header[wire.HeaderConnection] = []string{call.Connection}
	}
	if call.Inbox != "" {
		header[wire.HeaderInbox] = []string{call.Inbox}
	}
	if requestID != "" {
		header[wire.HeaderRequestID] = []string{requestID}
	}
	return header
}

func setHeader(msg *nats.Msg, name, value string) {
	if msg.Header == nil {
		msg.Header = make(nats.Header, 2)
	}
	msg.Header[name] = []string{value}
}
