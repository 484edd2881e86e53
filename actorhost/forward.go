package actorhost

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/wire"
)

// forwarded is how the owner of an actor takes a call that is forwarded to it.
type forwarded int

const (
	wasTaken    forwarded = iota
	wasReleased           // the owner has released the actor instead
	wasLost               // it may have arrived or not
)

// forwardedHeaders are those that the owner reads. Some others the server would act upon, now in the name of the host, as
// Nats-Trace-Dest; or nats.go would not send.
var forwardedHeaders = [...]string{
	wire.HeaderContentType, wire.HeaderExisting, wire.HeaderChain, wire.HeaderRequestID, wire.HeaderAttempt,
	wire.HeaderConnection, wire.HeaderInbox,
}

// confirmTimeout is how long the owner of an actor may take to say that a call has arrived.
const confirmTimeout = 250 * time.Millisecond

// forward hands a call over to the host that owns its actor, which confirms it and then answers the caller itself. A
// call that has certainly not arrived there is refused: its caller finds the next owner by the route.
func (e *env) forward(w *work, owner string, id troupe.ID) forwarded {
	if w.kind != callWork {
		return wasTaken // an event of a subscription that has ended with its activation
	}
	msg := &nats.Msg{Subject: e.ns.Forward(owner, id, w.action), Header: make(nats.Header, 2), Data: w.data}
	for _, name := range forwardedHeaders {
		if values := w.header[name]; len(values) > 0 {
			msg.Header[name] = values[:1]
		}
	}
	msg.Header[wire.HeaderReplyTo] = []string{w.reply}
	msg.Header[wire.HeaderTimeout] = []string{wire.FormatTimeout(w.deadline - e.clock.Now())}
	switch confirmed, err := e.requester.Do(e.ctx, msg, confirmTimeout); {
	case errors.Is(err, context.DeadlineExceeded):
		e.config.Logger.Warn("a forwarded call was not confirmed", slog.String("actor_type", id.Type()),
			slog.String("actor_key", id.KeyString()), slog.String("action", w.action), slog.String("host", owner))
		return wasLost // and is sent again by its caller
	case errors.Is(err, nats.ErrMaxPayload):
		e.out.refuse(w, errs.New(troupe.CodeTooLarge, "%s.%s: with what hosts add, the request has more than the %d bytes that the server takes",
			id, w.action, e.nc.MaxPayload()))
		return wasTaken // others may fit
	case err != nil:
		e.presence.Forget(owner)
		e.out.refuse(w, errs.Unavailable("forwarding to the host %s: %v", owner, err))
		return wasLost
	case header(confirmed.Header, wire.HeaderReleased) != "":
		return wasReleased
	}
	return wasTaken
}
