package commit

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe/actorhost/internal/faults"
	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

// pushing is what may fail for long.
const pushing = "pushing a message to a queue failed"

// pushesAtOnce is how many messages an actor pushes at a time.
const pushesAtOnce = 64

// push stores the messages that a turn has pushed, those for queues in order one after the other. Each has a name, so it takes effect
// once, whoever else stores it.
func (h *Host) push(ctx context.Context, by Actor, messages []*record.PushMessage) error {
	ctx, cancel := context.WithTimeout(ctx, keepTimeout)
	defer cancel()
	var all errgroup.Group
	all.SetLimit(pushesAtOnce)
	var ordered []*record.PushMessage
	for _, m := range messages {
		if m.InOrder {
			ordered = append(ordered, m)
			continue
		}
		all.Go(func() error { return h.pushOne(ctx, by, &m.PushedMessage) })
	}
	for _, m := range ordered {
		if err := h.pushOne(ctx, by, &m.PushedMessage); err != nil {
			return errors.Join(err, all.Wait())
		}
	}
	return all.Wait()
}

// pushLeft stores the messages that an earlier activation has left.
func (h *Host) pushLeft(ctx context.Context, by Actor, left *record.Pushes) error {
	ctx, cancel := context.WithTimeout(ctx, keepTimeout)
	defer cancel()
	for m, ok := left.First(); ok; m, ok = left.First() {
		if err := h.pushOne(ctx, by, &m); err != nil {
			return err
		}
		left.Sent()
	}
	return nil
}

func (h *Host) pushOne(ctx context.Context, by Actor, m *record.PushedMessage) error {
	for {
		if faults.Fencing && !by.Valid() {
			return by.NoLease()
		}
		err := h.Queues.Push(ctx, m)
		switch {
		case err == nil:
			h.Faults.Works(pushing)
			return nil
		case store.Lasts(err) || !pause.For(ctx, keepAgain):
			return err
		}
		h.Faults.Failed(pushing, store.Cause(err), err)
	}
}
