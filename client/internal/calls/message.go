package calls

import (
	"context"
	"fmt"
	"strconv"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/origin"
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

// givenID is the request id that the caller has set, or "".
func givenID(ctx context.Context, call *Call) (string, error) {
	id := troupe.RequestID(ctx)
	if id != "" && !wire.IsGivenID(id) {
		return "", &troupe.Error{Code: troupe.CodeBadInput,
			Message: fmt.Sprintf("%s.%s: the request id %.100q is not %s", call.ID, call.Action, id, wire.GivenID)}
	}
	return id, nil
}

// withAll adds the headers that are not the default. The chain is of the actors that wait for the call's answer.
func withAll(header wire.Header, as codec.Codec, chain, requestID string, call *Call) wire.Header {
	if as != codec.MsgPack {
		header = header.With(wire.HeaderContentType, as.ContentType())
	}
	if call.Existing {
		header = header.With(wire.HeaderExisting, "1")
	}
	if call.Credit > 0 {
		header = header.With(wire.HeaderCredit, strconv.Itoa(call.Credit))
	}
	for _, one := range [...]wire.HeaderField{
		{Name: wire.HeaderChain, Value: chain},
		{Name: wire.HeaderConnection, Value: call.Connection},
		{Name: wire.HeaderInbox, Value: call.Inbox},
		{Name: wire.HeaderRequestID, Value: requestID},
	} {
		if one.Value != "" {
			header = header.With(one.Name, one.Value)
		}
	}
	return header
}

// withCarried adds what travels with the call: what an interceptor has set, or what the turn has that makes it.
func withCarried(header wire.Header, call *Call, turn origin.Turn) wire.Header {
	switch {
	case call.header != nil:
		return header.WithCarried(call.header, wire.Carried[:])
	case turn != nil:
		return header.WithCarried(turn, wire.Traced)
	}
	return header
}
