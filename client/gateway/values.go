package gateway

import (
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/jsoncall"
)

// valueEvent has a value that an actor yields.
const valueEvent = "value"

// beginTime is after which time without a value or an error a caller is told that there is a stream.
const beginTime = 5 * time.Second

// wantsValues reports whether a caller asks for a stream of values.
func wantsValues(header http.Header) bool {
	for accept := range strings.SplitSeq(header.Get("Accept"), ",") {
		if kind, _, err := mime.ParseMediaType(accept); err == nil && kind == "text/event-stream" {
			return true
		}
	}
	return false
}

// yielded is a value, or why there are no more: nil if it was the last.
type yielded struct {
	value json.RawMessage
	err   error
}

// values calls a stream, and sends what it yields as server-sent events.
func (a *actors) values(w http.ResponseWriter, r *http.Request, credentials Credentials, request troupe.StreamRequest) error {
	u, err := a.users.enter(r.Context(), credentials, aStream)
	if err != nil {
		return err
	}
	defer a.users.leave(u, aStream)
	input, err := readInput(w, r, u.nc.MaxPayload())
	if err != nil {
		return err
	}
	if input != nil {
		request.In = json.RawMessage(input)
	}
	ctx, cancel := context.WithCancel(withCarried(r.Context(), r.Header))
	defer cancel()
	values := make(chan yielded)
	go produce(ctx, u, request, values)
	err = sendValues(&sse{w: w}, u, values, ctx.Done(), a.users.closing)
	cancel()
	for range values { // until the producer has ended
	}
	if err != nil {
		return u.explain(ctx, a.namespace, err)
	}
	return nil
}

// produce reads a stream, and closes values behind its last.
func produce(ctx context.Context, u *user, request troupe.StreamRequest, values chan<- yielded) {
	defer close(values)
	for decode, err := range u.client.Stream(ctx, request) {
		one := yielded{err: err}
		if err == nil {
			one.value, one.err = jsoncall.Payload(decode)
		}
		select {
		case values <- one:
		case <-ctx.Done():
			return
		}
		if one.err != nil {
			return
		}
	}
}

// sendValues sends values until there are no more. It returns the error of a stream that has not begun.
func sendValues(s *sse, u *user, values <-chan yielded, gone, closing <-chan struct{}) error {
	begun := false
	begin := func() error {
		if begun {
			return nil
		}
		begun = true
		return s.begin(retryTime)
	}
	beat := time.NewTimer(beginTime)
	defer beat.Stop()
	for {
		select {
		case one, more := <-values:
			if one.err != nil && u.refused() {
				one.err = errLetInNoMore
			}
			if one.err != nil && !begun {
				return one.err
			}
			if begin() != nil {
				return nil // the caller is gone
			}
			switch {
			case one.err != nil:
				s.value(endEvent, "", bodyOf(one.err))
			case !more:
				s.event(endEvent, "", []byte("null"))
			default:
				s.event(valueEvent, "", one.value)
			}
			if s.flush() != nil || !more || one.err != nil {
				return nil
			}
		case <-beat.C:
			if begin() != nil {
				return nil
			}
			s.beat()
			if s.flush() != nil {
				return nil
			}
		case <-closing:
			if begin() == nil {
				s.value(endEvent, "", bodyOf(errClosing))
				_ = s.flush()
			}
			return nil
		case <-gone:
			return nil
		}
		beat.Reset(beatTime)
	}
}
