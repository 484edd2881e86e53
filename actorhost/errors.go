package actorhost

import (
	"github.com/troupe-go/troupe"
)

var errTurnOver = &troupe.Error{Code: troupe.CodeInternal, Message: "the turn has ended: its Context is good until the action returns"}

// errTooLate refuses a call whose time is over before it has started.
var errTooLate = &troupe.Error{Code: troupe.CodeDeadlineExceeded, Retryable: true, Message: "the time of the call ran out before its turn"}
