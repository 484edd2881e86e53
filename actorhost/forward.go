package actorhost

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/call"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/wire"
)

// forwardResult is how the owner of an actor takes a call that is forwarded to it.
type forwardResult int

const (
	forwardDone   forwardResult = iota
	ownerReleased               // the owner has released the actor instead
	forwardFailed               // it may have arrived or not
)

// forwardHeaders are those that the owner reads. Some others the server would act upon, now in the name of the host, as
// Nats-Trace-Dest; or nats.go would not send.
var forwardHeaders = [...]string{
	wire.HeaderContentType, wire.HeaderExisting, wire.HeaderChain, wire.HeaderRequestID, wire.HeaderAttempt,
	wire.HeaderConnection, wire.HeaderInbox,
}

// confirmTimeout is how long the owner of an actor may take to say that a call has arrived.
const confirmTimeout = 250 * time.Millisecond

// forward hands a call over to the host that owns its actor, which confirms it and then answers the caller itself. A
// call that has certainly not arrived there is refused: its caller finds the next owner by the route.
func (e *env) forward(c *call.Call, owner string, id troupe.ID) forwardResult {
	msg := &nats.Msg{Subject: e.ns.Forward(owner, id, c.Action), Header: make(nats.Header, 2), Data: c.Data}
	for _, name := range forwardHeaders {
		if values := c.Header[name]; len(values) > 0 {
			msg.Header[name] = values[:1]
		}
	}
	msg.Header[wire.HeaderReplyTo] = []string{c.Reply}
	msg.Header[wire.HeaderTimeout] = []string{wire.FormatTimeout(c.Deadline - e.clock.Now())}
	switch confirmed, err := e.requester.Do(e.ctx, msg, confirmTimeout); {
	case errors.Is(err, context.DeadlineExceeded):
		e.config.Logger.Warn("a forwarded call was not confirmed", slog.String("actor_type", id.Type()),
			slog.String("actor_key", id.KeyString()), slog.String("action", c.Action), slog.String("host", owner))
		return forwardFailed // and is sent again by its caller
	case errors.Is(err, nats.ErrMaxPayload):
		e.out.Refuse(c, errs.New(troupe.CodeTooLarge, "%s.%s: with what hosts add, the request has more than the %d bytes that the server takes",
			id, c.Action, e.nc.MaxPayload()))
		return forwardDone // others may fit
	case err != nil:
		e.presence.Forget(owner)
		e.out.Refuse(c, errs.Unavailable("forwarding to the host %s: %v", owner, err))
		return forwardFailed
	case wire.FirstHeader(confirmed.Header, wire.HeaderReleased) != "":
		return ownerReleased
	}
	return forwardDone
}
