package events

import (
	"slices"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
)

// sharedSub is a NATS subscription that all subscriptions of the client to one subject share. The mutex of Subs guards it.
type sharedSub struct {
	subject string
	actors  troupe.Actors
	event   string // if actors is a single one; else other events may arrive too
	sub     *nats.Subscription
	users   int             // subscriptions, including those not yet in force
	denied  error           // the server does not allow it: nothing will arrive
	to      []*subscription // in force; copied on write
	arrived uint64          // events for them
}

// begin puts a subscription in force.
func (shared *sharedSub) begin(s *subscription) { shared.to = append(slices.Clip(shared.to), s) }

// leave removes a subscription, in force or not. It reports whether it was the last user.
func (shared *sharedSub) leave(s *subscription) (last bool) {
	if i := slices.Index(shared.to, s); i >= 0 {
		shared.to = slices.Delete(slices.Clone(shared.to), i, i+1)
	}
	shared.users--
	return shared.users == 0
}
