package actorhost

import "github.com/troupe-go/troupe/actorhost/internal/call"

// endpoint is an action of an actor type, and what has become of the calls of it on this host.
type endpoint struct {
	run action // nil for those that every type has
	call.Counters
}
