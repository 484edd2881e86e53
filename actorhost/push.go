package actorhost

import (
	"context"
	"fmt"
	"iter"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// Push implements troupe.Caller: see [troupe.Queue.Push]. The message leaves with the turn. The first time on a host it opens the
// streams of queues.
func (c *Context) Push(ctx context.Context, p troupe.PushRequest) error {
	h := c.a.host
	if c.hasEnded() {
		return errs.New(errTurnOver.Code, "pushing to %s.%s: %s", p.ID, p.Queue, errTurnOver.Message)
	}
	if err := c.refusedTo("push to", p.Queue); err != nil {
		return err
	}
	body, err := store.PushBody(codec.MsgPack, &p)
	if err != nil {
		return err
	}
	if size, limit := int64(len(body)+wire.QueueRoom), h.nc.MaxPayload(); size > limit {
		return errs.New(troupe.CodeTooLarge, "%s.%s: the message has %d bytes, it may have %d",
			p.ID, p.Queue, len(body), limit-wire.QueueRoom)
	}
	return c.pushWithin(ctx, &p, func(ctx context.Context, carried wire.Header) error { return c.push(ctx, &p, body, carried) })
}

// push has a message leave with the turn.
func (c *Context) push(ctx context.Context, p *troupe.PushRequest, body []byte, carried wire.Header) error {
	h := c.a.host
	open := h.queues.Open
	if p.InOrder {
		open = h.queues.OpenInOrder
	}
	if err := open(ctx); err != nil {
		return errs.Unavailable("pushing to %s.%s: %v", p.ID, p.Queue, err)
	}
	if err := c.a.markUnsent(ctx); err != nil {
		return errs.Unavailable("pushing to %s.%s: %v", p.ID, p.Queue, err)
	}
	m := record.PushedMessage{
		Actor: p.ID.Tokens(), Queue: p.Queue, InOrder: p.InOrder, Existing: p.Existing, Body: body, Trace: wire.TraceParent(carried),
	}
	if !p.NotBefore.IsZero() {
		m.At = min(max(ceilMilli(p.NotBefore), 1), maxScheduleTime.UnixMilli())
	}
	if p.PushID != "" {
		m.Name = p.PushID
	} else {
		m.Name = fmt.Sprintf("~%s/%d/%d", c.a.id.Tokens(), c.a.epoch, c.a.pushes.Add(1))
	}
	return c.addChange(&record.PushMessage{PushedMessage: m})
}

// DeadMessages implements troupe.Caller: see [troupe.Queue.Dead].
func (c *Context) DeadMessages(ctx context.Context, id troupe.ID, queue string) iter.Seq2[troupe.DeadMessage, error] {
	return c.a.host.client.DeadMessages(ctx, id, queue)
}

// Connect implements troupe.Caller: it fails.
func (c *Context) Connect(_ context.Context, request troupe.ConnectRequest) (troupe.Conn, error) {
	return nil, cannotConnect(request.ID)
}

// pushesOf are the messages among what a turn changes.
func pushesOf(changes []record.Change) (pushes []*record.PushMessage) {
	for _, c := range changes {
		if push, ok := c.(*record.PushMessage); ok {
			pushes = append(pushes, push)
		}
	}
	return pushes
}
