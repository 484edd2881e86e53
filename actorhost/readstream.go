package actorhost

import (
	"context"
	"iter"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/origin"
)

// Stream opens a stream on behalf of the actor: see [troupe.Stream.Call]. It ends with the turn.
func (c *Context) Stream(ctx context.Context, r troupe.StreamRequest) iter.Seq2[func(any) error, error] {
	return func(yield func(func(any) error, error) bool) {
		now := c // or the running turn: see [Context.Invoke]
		running, ok := FromContext(ctx)
		if ok && running.a.id == c.a.id {
			now = running
		}
		h := c.a.host
		within, from := ctx, origin.Origin{Host: &h.origin}
		switch ended := now.hasEnded(); {
		case ended && ok:
			yield(nil, errs.New(errTurnOver.Code, "reading %s.%s: %s", r.ID, r.Stream, errTurnOver.Message))
			return
		case !ended:
			until, _ := now.Deadline()
			var cancel context.CancelFunc
			within, cancel = context.WithDeadline(ctx, until)
			defer cancel()
			if now.turn.readOnly {
				c.a.lend(now)
			}
			if err := now.settle(); err != nil {
				yield(nil, err)
				return
			}
			now.called.Store(true)
			from = now.origin()
		}
		h.client.Stream(origin.With(within, from), r)(yield)
	}
}
