package events

import (
	"slices"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
)

// sharedSub is a subscription of NATS, which all subscriptions of the client to one subject share. It is used under the
// mutex of Subs.
type sharedSub struct {
	subject string
	actors  troupe.Actors
	event   string // of the one actor, if it is only one: else others may arrive too
	sub     *nats.Subscription
	users   int             // subscriptions, those that are not yet in force included
	denied  error           // by the server, so that nothing will arrive
	to      []*subscription // those in force; never changed, but replaced
}

// begin puts a subscription in force.
func (shared *sharedSub) begin(s *subscription) { shared.to = append(slices.Clip(shared.to), s) }

// leave removes a subscription, in force or not. It reports whether that was the last one.
func (shared *sharedSub) leave(s *subscription) (last bool) {
	if i := slices.Index(shared.to, s); i >= 0 {
		shared.to = slices.Delete(slices.Clone(shared.to), i, i+1)
	}
	shared.users--
	return shared.users == 0
}
