package actorhost

import (
	"github.com/troupe-go/troupe"
)

var errTurnOver = &troupe.Error{Code: troupe.CodeInternal, Message: "the turn has ended: its Context is good until the action returns"}
