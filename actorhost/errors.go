package actorhost

import (
	"errors"

	"github.com/troupe-go/troupe"
)

var errTurnOver = &troupe.Error{Code: troupe.CodeInternal, Message: "the turn has ended: its Context is good until the action returns"}

// cannotConnect is why an actor does not connect with another.
func cannotConnect(id troupe.ID) error {
	return &troupe.Error{Code: troupe.CodeBadInput,
		Message: "connecting to " + id.String() + ": an actor does not connect with others, it subscribes to their events"}
}

// errTooLate refuses a call whose time is over before it has started.
var errTooLate = &troupe.Error{Code: troupe.CodeDeadlineExceeded, Retryable: true, Message: "the time of the call ran out before its turn"}

// ErrSuspended is the error of what a run loop or a workflow asks for when its actor falls asleep, moves to another host or
// has lost its lease. It goes on there, or when the actor wakes. Return it, or any other error: it is not a failure.
var ErrSuspended = errors.New("actorhost: the actor ends here for now")
