package actorhost

import "github.com/troupe-go/troupe/actorhost/internal/call"

// endpoint is an action of an actor type, with the counters of its calls on this host.
type endpoint struct {
	run action // nil for the built-in actions
	call.Counters
}
