package wire

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
)

// errorBody is the body of an error reply, in the encoding of the request.
type errorBody struct {
	Code     troupe.Code    `json:"code"`
	Message  string         `json:"message"`
	Metadata map[string]any `json:"metadata,omitempty"`
}

// maxErrorText bounds the error text in a header. The body has all of it.
const maxErrorText = 512

// EncodeError makes the reply that carries err. It leaves out metadata that cannot be encoded or that would make the
// reply larger than maxPayload. The error, which comes beside the reply, is for the log and says what was left out.
func EncodeError(err *troupe.Error, as codec.Codec, maxPayload int64) (*nats.Msg, error) {
	reply := nats.NewMsg("")
	reply.Header[HeaderServiceError] = []string{headerText(err.Error())}
	reply.Header[HeaderServiceErrorCode] = []string{strconv.Itoa(Status(err))}
	reply.Header[HeaderErrorCode] = []string{string(err.Code)}
	if err.FromActor {
		reply.Header[HeaderErrorOrigin] = []string{"actor"}
	}
	if err.Retryable {
		reply.Header[HeaderRetryable] = []string{"1"}
	}
	SetContentType(reply.Header, as)

	message := strings.ToValidUTF8(err.Message, "\uFFFD") // other languages may not read it otherwise
	metadata, cause := encodable(err.Metadata, as)
	body, failed := as.Append(nil, errorBody{err.Code, message, metadata})
	if failed != nil {
		cause = failed
	}
	if int64(len(body))+2*maxErrorText > maxPayload {
		failed = errors.New("the error is larger than a message may be")
		cause = failed
	}
	if failed != nil {
		body, _ = as.Append(nil, errorBody{Code: err.Code, Message: headerText(err.Message)})
	}
	reply.Data = body
	return reply, cause
}

// encodable returns the metadata without the entries that cannot be encoded. The error says which these are, and why.
func encodable(metadata map[string]any, as codec.Codec) (kept map[string]any, cause error) {
	for key, value := range metadata {
		if _, err := as.Append(nil, map[string]any{key: value}); err != nil {
			if kept == nil {
				kept = maps.Clone(metadata)
			}
			delete(kept, key)
			cause = errors.Join(cause, fmt.Errorf("the metadata %q: %w", key, err))
		}
	}
	if kept == nil {
		kept = metadata
	}
	filled, _ := codec.Filled(kept).(map[string]any)
	return filled, cause
}

// DecodeError returns the error that a reply carries, or nil. An error with an invalid code, such as that of another
// NATS service, becomes internal.
func DecodeError(reply *nats.Msg) *troupe.Error {
	if reply.Header == nil {
		return nil
	}
	code, text := FirstHeader(reply.Header, HeaderErrorCode), FirstHeader(reply.Header, HeaderServiceError)
	if code == "" && text == "" {
		return nil
	}
	code, text = strings.Clone(code), strings.Clone(text) // the error must not keep a whole batch in memory
	err := &troupe.Error{
		Code:      troupe.Code(code),
		Message:   strings.TrimPrefix(text, code+": "),
		FromActor: FirstHeader(reply.Header, HeaderErrorOrigin) == "actor",
		Retryable: FirstHeader(reply.Header, HeaderRetryable) == "1",
	}
	if troupe.CheckName("error code", code) != nil {
		err.Code, err.Message, err.FromActor, err.Retryable = troupe.CodeInternal, headerText(text), false, false
	}
	var body errorBody
	if DecodeBody(reply, &body) == nil && body.Code == err.Code {
		err.Message, err.Metadata = body.Message, body.Metadata
	}
	return err
}

// PendingAt reports whether a reply says that the answer comes later, and at which host the call waits: see
// [HeaderPending].
func PendingAt(reply *nats.Msg) (host string, pending bool) {
	host = FirstHeader(reply.Header, HeaderPending)
	return host, host != ""
}

// NoResponders returns nats.ErrNoResponders if msg is the server's reply to a request that nobody listens to, else nil.
func NoResponders(msg *nats.Msg) error {
	if len(msg.Data) == 0 && FirstHeader(msg.Header, "Status") == "503" {
		return nats.ErrNoResponders
	}
	return nil
}

// SetContentType names the encoding of a body, unless it is the default one.
func SetContentType(header nats.Header, as codec.Codec) {
	if as != codec.MsgPack {
		header[HeaderContentType] = []string{as.ContentType()}
	}
}

// FirstHeader is the first value of a header. Unlike Header.Get it allocates nothing.
func FirstHeader(header nats.Header, key string) string {
	if values := header[key]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// headerText makes text fit for a header: one line of bounded length.
func headerText(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
	if len(text) > maxErrorText {
		text = strings.ToValidUTF8(text[:maxErrorText], "") + "..."
	}
	return text
}

// Status is the numeric error code, by the convention of NATS services. Over HTTP it is the status.
func Status(err *troupe.Error) int {
	if err.FromActor {
		return 422
	}
	switch err.Code {
	case troupe.CodeBadInput:
		return 400
	case troupe.CodeDenied:
		return 403
	case troupe.CodeUnknownType, troupe.CodeUnknownAction, troupe.CodeNotFound:
		return 404
	case troupe.CodeDeadlineExceeded, troupe.CodeCanceled, troupe.CodeTimedOut:
		return 408
	case troupe.CodeAlreadyExists, troupe.CodeRequestReused, troupe.CodeAnswerLost, troupe.CodeDisconnected, troupe.CodeUnfinished:
		return 409
	case troupe.CodeTooLarge:
		return 413
	case troupe.CodeOverloaded:
		return 429
	case troupe.CodeUnavailable, troupe.CodeOutcomeUnknown:
		return 503
	case troupe.CodeCallCycle, troupe.CodeChainTooLong:
		return 508
	default:
		return 500
	}
}
