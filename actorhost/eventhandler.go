package actorhost

import (
	"fmt"
	"reflect"

	"github.com/troupe-go/troupe"
)

// EventHandler handles a durable event that actors of a type subscribe to: see [OnEvent].
type EventHandler[S any] struct {
	source, event string
	run           eventAction
	takes         reflect.Type // the payload
}

// eventAction decodes an event and handles it.
type eventAction func(s any, c *Context, d troupe.Delivery) error

// OnEvent handles a durable event with a method of the state: see [troupe.DurableEvent.SubscribeDurable].
// troupe.DeliveryOf(c) returns the broadcasting actor and the event's position.
func OnEvent[R troupe.Reference, S, P any](e troupe.DurableEvent[R, P], f func(*S, *Context, P) error) EventHandler[S] {
	var source R
	run := func(s any, c *Context, d troupe.Delivery) error {
		var payload P
		if err := d.Decode(&payload); err != nil {
			return fmt.Errorf("decoding %s of %s: %w", d.Event, d.Actor, err)
		}
		return f(s.(*S), c, payload)
	}
	return EventHandler[S]{source.ActorType(), e.Name(), run, reflect.TypeFor[P]()}
}

// topic is an event of an actor type.
type topic struct{ source, event string }

func (t topic) String() string { return t.source + "." + t.event }
