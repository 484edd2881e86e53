package actorhost

import (
	"context"
	"iter"

	"github.com/troupe-go/troupe"
)

// Push implements troupe.Caller: see [troupe.Queue.Push].
func (c *Context) Push(ctx context.Context, p troupe.PushRequest) error {
	return c.a.host.client.Push(ctx, p)
}

// DeadMessages implements troupe.Caller: see [troupe.Queue.Dead].
func (c *Context) DeadMessages(ctx context.Context, id troupe.ID, queue string) iter.Seq2[troupe.DeadMessage, error] {
	return c.a.host.client.DeadMessages(ctx, id, queue)
}
