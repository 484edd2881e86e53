package actorhost

import (
	"context"

	"github.com/troupe-go/troupe/actorhost/internal/queues"
)

// handlesQueues returns the types that have queues.
func handlesQueues(types map[string]*actorType) (names []string) {
	for name, t := range types {
		if len(t.queues) > 0 {
			names = append(names, name)
		}
	}
	return names
}

// handlesInOrder returns the types that have queues in order.
func handlesInOrder(types map[string]*actorType) (names []string) {
	for name, t := range types {
		for _, q := range t.queues {
			if q.inOrder {
				names = append(names, name)
				break
			}
		}
	}
	return names
}

// openQueues opens the streams of queues if an actor type has one.
func (h *Host) openQueues(ctx context.Context) error {
	if len(handlesInOrder(h.types)) > 0 {
		return h.queues.OpenInOrder(ctx)
	}
	if len(handlesQueues(h.types)) == 0 {
		return nil
	}
	return h.queues.Open(ctx)
}

// startPuller has the messages of queues come to the host, if an actor type has one.
func (h *Host) startPuller() {
	types := handlesQueues(h.types)
	if len(types) == 0 {
		return
	}
	h.puller = queues.Start(queues.Config{
		Queues: h.queues, Types: types, InOrder: handlesInOrder(h.types), Faults: h.faults, Logger: h.config.Logger, Call: h.client.Invoke,
		Window: h.config.RequestIDWindow,
		Handling: func(actorType, queue string) queues.Handling {
			t := h.types[actorType]
			handling := queues.Handling{Retries: queues.DefaultRetries, Timeout: t.config.ActionTimeout}
			if q := t.queues[queue]; q != nil {
				handling.Retries, handling.InOrder = q.retries, q.inOrder
			}
			return handling
		},
		UntilGivenUp: h.ctx, UntilStop: h.untilStop,
	})
}
