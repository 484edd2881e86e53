package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/link"
	"github.com/troupe-go/troupe/internal/wire"
)

// ErrQueueFull is the error of a push when as many messages wait in the queue of the actor as there may.
var ErrQueueFull = errors.New("the queue is full")

// Push stores a message of a queue. It may be stored already, if it has a name. The error is [ErrQueueFull] at once where it is.
func Push(ctx context.Context, js jetstream.JetStream, msg *nats.Msg) error {
	writing, wait := link.AwaitWrite(ctx, js.Conn(), msg.Subject, writeTimeout)
	_, err := js.PublishMsg(writing, msg)
	err = wait.End(err)
	api := apiError(err)
	_, denied := err.(*troupe.Error) //nolint:errorlint // it is wrapped where only the reply is denied
	switch {
	case err == nil:
		return nil
	case denied:
		return fmt.Errorf("%w: %w", errNotSent, err)
	case api != nil && api.ErrorCode == codeStoreFailed && strings.Contains(api.Description, "per subject"):
		return fmt.Errorf("%w (%w)", ErrQueueFull, api)
	case api != nil:
		return explain(pushedTo(msg), err)
	}
	return fmt.Errorf("%w: %w", writeError(err), explain(pushedTo(msg), err))
}

// pushedTo is the name of the stream of a message that is pushed: see [QueueName] and [InOrderName].
func pushedTo(msg *nats.Msg) string {
	namespace, kind, _ := strings.Cut(msg.Subject, ".")
	kind, _, _ = strings.Cut(kind, ".")
	return namespace + "-" + kind
}

// PushError is what who pushes is told of an error of [Push].
func PushError(id troupe.ID, queue string, err error) *troupe.Error {
	api := apiError(err)
	switch {
	case errors.Is(err, ErrQueueFull):
		return errs.Overloaded("%s.%s: as many messages wait as may: %v", id, queue, err)
	case errors.Is(err, nats.ErrMaxPayload), api != nil && api.ErrorCode == codeTooLarge:
		return errs.New(troupe.CodeTooLarge, "%s.%s: the message is too large: %v", id, queue, err)
	case errors.Is(err, jetstream.ErrNoStreamResponse):
		return errs.Unavailable("%s.%s: there are no queues: a host that handles one makes them: %v", id, queue, err)
	case errors.Is(err, errNotSent) && errors.Is(err, troupe.ErrDenied):
		failed := errs.New(troupe.CodeDenied, "%s.%s: %v", id, queue, err)
		failed.Err = err
		return failed
	case errors.Is(err, ErrOutcomeUnknown):
		failed := errs.New(troupe.CodeOutcomeUnknown, "%s.%s: whether the message is stored is not known: %v", id, queue, err)
		failed.Err = err
		return failed
	}
	failed := errs.Unavailable("%s.%s: %v", id, queue, err)
	failed.Err = err
	return failed
}

// codeTooLarge is of a message that is larger than its stream takes.
const codeTooLarge = 10054

// PushMessage is the message that is pushed for a request, with its body.
func PushMessage(ns wire.Namespace, p *troupe.PushRequest, contentType string, body []byte) *nats.Msg {
	msg := &nats.Msg{Subject: ns.Queue(p.ID, p.Queue), Header: nats.Header{wire.HeaderContentType: {contentType}}, Data: body}
	if p.InOrder {
		msg.Subject = ns.InOrder(p.ID, p.Queue)
	}
	if p.Existing {
		msg.Header[wire.HeaderExisting] = []string{"1"}
	}
	if at := p.NotBefore; !at.IsZero() {
		if at.After(latestTime) {
			at = latestTime
		}
		msg.Header[wire.HeaderNotBefore] = []string{at.UTC().Format(rfc3339Milli)}
	}
	if p.PushID != "" {
		msg.Header[wire.HeaderPushID] = []string{p.PushID}
	}
	return msg
}

// latestTime is the last that can be written.
var latestTime = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

const rfc3339Milli = "2006-01-02T15:04:05.000Z07:00"

// PushBody encodes the message of a request, and checks what is asked for.
func PushBody(as codec.Codec, p *troupe.PushRequest) ([]byte, error) {
	if err := troupe.CheckName("queue", p.Queue); err != nil {
		return nil, err
	}
	if p.PushID != "" && !wire.IsGivenID(p.PushID) {
		return nil, errs.New(troupe.CodeBadInput, "%s.%s: the id %.100q of a message is not %s", p.ID, p.Queue, p.PushID, wire.GivenID)
	}
	body, err := as.Append(nil, codec.Filled(p.Message))
	if err != nil {
		return nil, &troupe.Error{Code: troupe.CodeBadInput, Err: err,
			Message: fmt.Sprintf("%s.%s: the message cannot be encoded: %v", p.ID, p.Queue, err)}
	}
	return body, nil
}
