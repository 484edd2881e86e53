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

// forwardResult is what has become of a forwarded call.
type forwardResult int

const (
	forwardDone   forwardResult = iota
	ownerReleased               // the owner has released the actor; the call was not taken
	forwardFailed               // the call may or may not have arrived
)

// forwardHeaders are the headers that the owner reads. All others are left out: the server would act on some, such as
// Nats-Trace-Dest, now in the name of the host, and nats.go would refuse to send some.
var forwardHeaders = [...]string{
	wire.HeaderContentType, wire.HeaderExisting, wire.HeaderChain, wire.HeaderRequestID, wire.HeaderCall,
	wire.HeaderAttempt, wire.HeaderConnection, wire.HeaderInbox, wire.HeaderRequestInfo, wire.HeaderLacked,
}

// confirmTimeout is how long the owner of an actor may take to confirm a call.
const confirmTimeout = 250 * time.Millisecond

// forward hands a call to the host that owns its actor. That host confirms it and answers the caller itself. A call
// that has certainly not arrived is refused: its caller finds the next owner by the route. It says if this host has released
// the actor.
func (e *env) forward(c *call.Call, owner string, id troupe.ID, left released) forwardResult {
	msg := &wire.Message{Subject: e.ns.Forward(owner, id, c.Action), Data: c.Data}
	for _, name := range forwardHeaders {
		if value := c.Get(name); value != "" {
			msg.Header = msg.Header.With(name, value)
		}
	}
	msg.Header = msg.Header.WithCarried(c.Header, wire.Carried[:])
	msg.Header = msg.Header.With(wire.HeaderReplyTo, c.Reply)
	msg.Header = msg.Header.With(wire.HeaderTimeout, wire.FormatTimeout(c.Deadline-e.clock.Now()))
	if left.by != "" {
		msg.Header = msg.Header.With(wire.HeaderLeftBy, left.String())
	}
	switch confirmed, err := e.requester.Do(e.ctx, msg, confirmTimeout); {
	case errors.Is(err, context.DeadlineExceeded):
		e.config.Logger.Warn("a forwarded call was not confirmed", slog.String("actor_type", id.Type()),
			slog.String("actor_key", id.KeyString()), slog.String("action", c.Action), slog.String("host", owner))
		return forwardFailed // the caller sends it again
	case errors.Is(err, nats.ErrMaxPayload):
		e.out.Refuse(c, errs.New(troupe.CodeTooLarge,
			"%s.%s: with the headers that hosts add, the request exceeds the %d bytes that the server takes",
			id, c.Action, e.nc.MaxPayload()))
		return forwardDone // refused, but smaller calls may fit
	case err != nil:
		e.presence.Forget(owner)
		e.out.Refuse(c, errs.Unavailable("forwarding to the host %s: %v", owner, err))
		return forwardFailed
	case wire.FirstHeader(confirmed.Header, wire.HeaderReleased) != "":
		return ownerReleased
	}
	return forwardDone
}
