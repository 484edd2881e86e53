package actorhost

import (
	"github.com/troupe-go/troupe"
)

var errTurnOver = &troupe.Error{Code: troupe.CodeInternal, Message: "the action has ended"}
