package troupe

import (
	"context"
	"fmt"
)

// Position is the place of an event among all events of that name that its actor has broadcast. The sequence counts them
// from 1 without a hole for as long as the actor exists. The epoch numbers the actor's activations; it also grows when the
// actor is destroyed and created again.
type Position struct {
	Epoch    uint64 `json:"epoch"`
	Sequence uint64 `json:"sequence"`
}

// IsZero reports whether p is the zero Position, which is that of no event.
func (p Position) IsZero() bool { return p == Position{} }

// Before reports whether the event at p was earlier than the one at q. Both are of one name and one actor.
func (p Position) Before(q Position) bool {
	return p.Epoch < q.Epoch || p.Epoch == q.Epoch && p.Sequence < q.Sequence
}

// Delivery is one event as it arrives.
type Delivery struct {
	Actor    ID // that has broadcast it
	Event    string
	Position Position // zero if something other than a host has published the event
	Header   Header   // what has travelled with it; nil if nothing has
	// Decode stores the payload in the value that into points to.
	Decode func(into any) error
}

type deliveryKey struct{}

// deliveryContext is one allocation instead of two, for each event and subscriber.
type deliveryContext struct {
	context.Context //nolint:containedctx // it is one

	delivery Delivery
}

func (c *deliveryContext) Value(key any) any {
	if key == (deliveryKey{}) {
		return &c.delivery
	}
	return c.Context.Value(key)
}

// WithDelivery returns the context for the handler of an event. It is for implementations of [Caller].
func WithDelivery(ctx context.Context, d Delivery) context.Context {
	return &deliveryContext{ctx, d}
}

// DeliveryOf returns the event whose handler was called with ctx: the actor that has broadcast it, and its position, which
// no other event of that name and actor has.
func DeliveryOf(ctx context.Context) (Delivery, bool) {
	if d, ok := ctx.Value(deliveryKey{}).(*Delivery); ok {
		return *d, true
	}
	return Delivery{}, false
}

// Gap tells of events that a subscription has missed, or may have missed: those between After and Before.
type Gap struct {
	Actor ID // zero: any actor of the subscription
	Event string
	// After is the last event that was heard. It is zero if there was none.
	After Position
	// Before is the next event after the gap. It is zero if that is not known, because the connection was away or nobody
	// could be asked.
	Before Position
}

// Missed is how many events are missing. If it is not exact, it may be more: the end of the gap is not known, or the actor
// was not awake all the time and may have been destroyed and created again.
func (g Gap) Missed() (n uint64, exact bool) {
	switch {
	case g.Before.IsZero() || g.After.IsZero():
		return 0, false
	case g.Before.Sequence <= g.After.Sequence+1: // another life of the actor
		return max(g.Before.Sequence, 1) - 1, false
	}
	return g.Before.Sequence - g.After.Sequence - 1, g.Before.Epoch == g.After.Epoch
}

// String says what is missing: "3 of said of room/org1/lobby, after 17".
func (g Gap) String() string {
	actor := "any actor"
	if !g.Actor.IsZero() {
		actor = g.Actor.String()
	}
	what := fmt.Sprintf("%s of %s, after %d", g.Event, actor, g.After.Sequence)
	switch n, exact := g.Missed(); {
	case exact:
		return fmt.Sprintf("%d of %s", n, what)
	case n > 0:
		return fmt.Sprintf("at least %d of %s", n, what)
	}
	return "perhaps some of " + what
}
