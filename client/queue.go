package client

import (
	"cmp"
	"context"
	"iter"
	"strings"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client/internal/calls"
	"github.com/troupe-go/troupe/internal/link"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// Push puts a message into a queue of an actor: see [troupe.Queue.Push].
func (c *Client) Push(ctx context.Context, p troupe.PushRequest) error {
	if c.intercept == nil {
		return c.push(ctx, p, nil)
	}
	op := troupe.Operation{Kind: troupe.OpPush, Actor: p.ID, Name: p.Queue, RequestID: p.PushID, Header: calls.Inherited(ctx)}
	return calls.Within(ctx, c.intercept, &op, func(ctx context.Context) error {
		if err := wire.CheckCarried(op.Header); err != nil {
			return err
		}
		return c.push(ctx, p, wire.CarriedBy(op.Header))
	})
}

func (c *Client) push(ctx context.Context, p troupe.PushRequest, header wire.Carrier) error {
	body, err := store.PushBody(c.codec, &p)
	if err != nil {
		return err
	}
	msg := store.PushMessage(c.ns, &p, c.codec.ContentType(), body)
	if header != nil {
		wire.SetCarried(msg.Header, header, wire.Traced)
	}
	if err := store.Push(ctx, c.js, msg); err != nil {
		return store.PushError(p.ID, p.Queue, link.Reason(c.nc, err))
	}
	return nil
}

// DeadMessages yields what was given up of a queue of an actor: see [troupe.Queue.Dead].
func (c *Client) DeadMessages(ctx context.Context, id troupe.ID, queue string) iter.Seq2[troupe.DeadMessage, error] {
	return func(yield func(troupe.DeadMessage, error) bool) {
		guard := link.NewGuard(ctx, c.nc, func(publish bool, subject string) bool {
			return publish && strings.HasPrefix(subject, "$JS.API.") && strings.Contains(subject+".", "."+store.DeadName(c.ns)+".")
		})
		defer guard.End()
		for m, err := range store.DeadMessages(guard.Context(), c.nc, c.ns, c.ns.Dead(id, queue, "*")) {
			if err = cmp.Or(guard.Err(), err); err != nil {
				yield(troupe.DeadMessage{}, unreadable(id.Actors(), queue, link.Reason(c.nc, err)))
				return
			}
			d := troupe.DeadMessage{
				Queued: troupe.Queued{Queue: queue, ID: m.ID, Attempt: m.Attempts(), Pushed: m.Pushed()},
				Died:   m.Stored, Error: m.Failure(),
				Decode: m.Decode,
			}
			if !yield(d, nil) {
				return
			}
		}
	}
}
