package actorhost

import (
	"slices"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

// lack is what this program does not have for a call, and another program may have.
type lack struct {
	has     func(wire.TypeInfo) bool // reports whether another program has it
	refusal *troupe.Error            // for when there is none
	action  bool                     // it lacks the action: one that has it, and refuses the input, says why
	// searched: when there is none, the call is served here, with work.searched.
	searched bool
}

func lacksAction(name string, refusal *troupe.Error) lack {
	return lack{refusal: refusal, action: true, has: func(info wire.TypeInfo) bool {
		_, ok := info.Actions[name]
		return ok
	}}
}

// lacksInput is for an action that takes something else here, of which takes is the fingerprint.
func lacksInput(name, takes string, refusal *troupe.Error) lack {
	return lack{refusal: refusal, has: func(info wire.TypeInfo) bool {
		other, ok := info.Actions[name]
		return ok && other != takes
	}}
}

// lacksQueue is for a message of a queue. If this program has the queue, takes is the fingerprint of what it takes.
func lacksQueue(name, takes string, refusal *troupe.Error) lack {
	return lack{refusal: refusal, has: func(info wire.TypeInfo) bool {
		other, ok := info.Queues[name]
		return ok && other != takes
	}}
}

// lacksHandler is for a durable event, as TYPE.EVENT.
func lacksHandler(event string, refusal *troupe.Error) lack {
	return lack{refusal: refusal, searched: true, has: func(info wire.TypeInfo) bool { return slices.Contains(info.Events, event) }}
}
