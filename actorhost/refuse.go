package actorhost

import (
	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/call"
	"github.com/troupe-go/troupe/actorhost/internal/presence"
	"github.com/troupe-go/troupe/internal/errs"
)

// refuse answers a call that this host has not run. An actor's own subject is heard by each host that takes itself for the
// owner: for a while that is one whose lease is over, beside the next owner, who may have taken the call.
func (e *env) refuse(c *call.Call, s *presence.Session, err *troupe.Error) {
	if c.Direct && err.Retryable && !s.Valid() {
		err = errs.MayHaveRun(err, "the next owner of the actor may have taken it", c.ID.Known())
	}
	e.out.Refuse(c, err)
}
