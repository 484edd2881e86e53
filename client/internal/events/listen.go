package events

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/link"
	"github.com/troupe-go/troupe/internal/origin"
)

// Listen makes a subscription with a queue of its own. The subscription is in force when Listen returns.
func (s *Subs) Listen(ctx context.Context, l troupe.ListenRequest) (troupe.Subscription, error) {
	return s.listen(ctx, &subscription{request: l, queue: s.newQueue()}, func() {})
}

// listen puts sub in force. It calls left once sub has ended.
func (s *Subs) listen(ctx context.Context, sub *subscription, left func()) (troupe.Subscription, error) {
	l := sub.request
	if err := troupe.CheckName("event", l.Event); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, unmade(ctx, l, err)
	}
	sub.subject, sub.logger = s.config.Namespace.Events(l.Actors, l.Event), s.config.Logger
	if !origin.Of(ctx).Relay {
		sub.intercept = s.config.Intercept
	}
	sub.handle, sub.tellDropped = sub.handleArrival, sub.tellNoRoom
	sub.ctx, sub.cancel = context.WithCancelCause(context.WithValue(context.Background(), handlerKey{}, s))
	guard := link.GuardSubscription(ctx, s.config.Conn, sub.subject)
	defer guard.End()
	one, err := s.join(sub)
	if err != nil {
		sub.cancel(err)
		return nil, unmade(ctx, l, link.Reason(s.config.Conn, err))
	}
	sub.leave = func() { s.leave(one, sub); left() }
	// The server knows of the subscription once it has answered what was sent after it.
	err = guard.Flush(s.config.Timeout)
	if link.IsRefusal(err) {
		s.deny(one, err)
	}
	if err == nil {
		err = s.begin(one, sub)
	}
	if err != nil {
		sub.end(err)
		return nil, unmade(ctx, l, link.Reason(s.config.Conn, err))
	}
	return sub, nil
}

type handlerKey struct{}

// Handles reports whether ctx is that of a handler of these subscriptions, which must not wait for all of them to end.
func (s *Subs) Handles(ctx context.Context) bool {
	of, ok := ctx.Value(handlerKey{}).(*Subs)
	return ok && of == s
}

// unmade is the error of a subscription that was not made.
func unmade(ctx context.Context, l troupe.ListenRequest, err error) error {
	if known, ok := errors.AsType[*troupe.Error](err); ok {
		failed := *known
		failed.Message, failed.Err = fmt.Sprintf("subscribing to %s of %s: %s", l.Event, l.Actors, known.Message), err
		return &failed
	}
	code := troupe.CodeUnavailable
	switch ctx.Err() {
	case context.Canceled:
		code = troupe.CodeCanceled
	case context.DeadlineExceeded:
		code = troupe.CodeDeadlineExceeded
	}
	return &troupe.Error{Code: code, Retryable: code == troupe.CodeUnavailable, Err: err,
		Message: fmt.Sprintf("subscribing to %s of %s: %v", l.Event, l.Actors, err)}
}
