package events

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/rpc"
)

// Listen makes a subscription, which is in force when Listen returns. Its events have a queue of their own.
func (f *Subs) Listen(l troupe.Listening) (troupe.Subscription, error) {
	return f.listen(&subscription{listening: l, queue: f.newQueue()}, func() {})
}

// listen puts a subscription in force. It calls left once that has ended.
func (f *Subs) listen(s *subscription, left func()) (troupe.Subscription, error) {
	l := s.listening
	if err := troupe.CheckName("event", l.Event); err != nil {
		return nil, err
	}
	s.subject, s.logger = f.config.Namespace.Events(l.Actors, l.Event), f.config.Logger
	s.handle, s.tellDropped = s.handleArrival, s.tellNoRoom
	s.ctx, s.cancel = context.WithCancel(context.Background())
	guard := rpc.GuardSubscription(f.config.Conn, s.subject)
	defer guard.End()
	one, err := f.join(s)
	if err != nil {
		s.cancel()
		return nil, unavailable(l, err)
	}
	s.leave = func() { f.leave(one, s); left() }
	// The server knows of the subscription once it has answered what was sent after it.
	err = guard.Flush(f.config.Timeout)
	if errors.Is(err, troupe.ErrDenied) {
		f.deny(one, err)
	}
	if err == nil {
		err = f.begin(one, s)
	}
	if err != nil {
		_ = s.Unsubscribe() // never fails
		return nil, unavailable(l, err)
	}
	return s, nil
}

func unavailable(l troupe.Listening, err error) error {
	if known, ok := errors.AsType[*troupe.Error](err); ok {
		return known
	}
	return &troupe.Error{Code: troupe.CodeUnavailable, Retryable: true, Err: err,
		Message: fmt.Sprintf("subscribing to %s of %s: %v", l.Event, l.Actors, err)}
}
