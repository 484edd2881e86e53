package actorhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/rpc"
	"github.com/troupe-go/troupe/internal/wire"
)

// headerRoom is what a reply's headers may take of a message.
const headerRoom = 128

// fits checks the output of an action against what the server takes.
func (h *Host) fits(w *work, output []byte) error {
	if len(output)+headerRoom <= wire.AlwaysFits {
		return nil
	}
	if limit := h.nc.MaxPayload(); int64(len(output)+headerRoom) > limit {
		return errorf(troupe.CodeTooLarge, "the reply of %s has %d bytes, the server takes at most %d",
			w.action, len(output), limit-headerRoom)
	}
	return nil
}

// reply makes the answer to a call. It has no subject when nobody wants one.
func reply(w *work, output []byte) nats.Msg {
	if w.reply == "" {
		return nats.Msg{}
	}
	msg := nats.Msg{Subject: w.reply, Data: output}
	if w.as != codec.MsgPack {
		msg.Header = make(nats.Header, 1)
		wire.SetContentType(msg.Header, w.as)
	}
	return msg
}

func (h *Host) errorReply(w *work, as codec.Codec, err *troupe.Error) nats.Msg {
	if w.reply == "" {
		return nats.Msg{}
	}
	msg, cause := wire.EncodeError(err, as, h.nc.MaxPayload())
	if cause != nil {
		h.config.Logger.Error("the metadata of an error was left out", slog.String("action", w.action),
			slog.String("host", h.ID()), slog.Any("error", cause))
	}
	msg.Subject = w.reply
	return *msg
}

// send publishes, after all replies that were sent before. It fails only without a connection, when nobody can be told
// either.
func (h *Host) send(msg *nats.Msg) {
	h.replies.Flush()
	h.sent(msg.Subject, h.nc.PublishMsg(msg))
}

// sendReply publishes a reply: now, or, when more are about to follow, together with those that go to the same caller if
// it takes them so.
func (h *Host) sendReply(msg *nats.Msg, more bool) {
	if msg.Subject == "" {
		return
	}
	caller, ok := wire.TakesMany(msg.Subject)
	if !ok {
		h.send(msg)
		return
	}
	h.sent(msg.Subject, h.replies.Add(caller, msg, more, nil))
}

func (h *Host) sent(subject string, err error) {
	if err != nil {
		h.config.Logger.Warn("publishing failed", slog.String("subject", subject), slog.String("host", h.ID()), slog.Any("error", err))
	}
}

// gatherReplies has replies to one caller that are ready at the same moment sent as one message.
func (h *Host) gatherReplies() *rpc.Gatherer {
	return rpc.NewGatherer(h.nc, rpc.GathererOptions{
		Short:   true,
		Subject: func(caller string) string { return wire.ManyReplies(caller, h.ID()) },
		Failed:  func(caller string, _ uint64, err error) { h.sent(caller, err) },
	})
}

// sendPending tells the caller of a call that has come again that its actor is at it.
func (h *Host) sendPending(w *work) {
	h.sendReply(&nats.Msg{Subject: w.reply, Header: nats.Header{wire.HeaderPending: {h.ID()}}}, h.busy())
}

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
func (h *Host) forward(w *work, owner string, id troupe.ID) forwarded {
	if w.kind != callWork {
		return wasTaken // an event of a subscription that has ended with its activation
	}
	msg := &nats.Msg{Subject: h.ns.Forward(owner, id, w.action), Header: make(nats.Header, 2), Data: w.data}
	for _, name := range forwardedHeaders {
		if values := w.header[name]; len(values) > 0 {
			msg.Header[name] = values[:1]
		}
	}
	msg.Header[wire.HeaderReplyTo] = []string{w.reply}
	msg.Header[wire.HeaderTimeout] = []string{wire.FormatTimeout(w.deadline - h.clock.Now())}
	switch confirmed, err := h.requester.Do(h.ctx, msg, confirmTimeout); {
	case errors.Is(err, context.DeadlineExceeded):
		h.config.Logger.Warn("a forwarded call was not confirmed", slog.String("actor_type", id.Type()),
			slog.String("actor_key", id.KeyString()), slog.String("action", w.action), slog.String("host", owner))
		return wasLost // and is sent again by its caller
	case errors.Is(err, nats.ErrMaxPayload):
		h.refuse(w, errorf(troupe.CodeTooLarge, "%s.%s: with what hosts add, the request has more than the %d bytes that the server takes",
			id, w.action, h.nc.MaxPayload()))
		return wasTaken // others may fit
	case err != nil:
		h.presence.Forget(owner)
		h.refuse(w, unavailable("forwarding to the host %s: %v", owner, err))
		return wasLost
	case header(confirmed.Header, wire.HeaderReleased) != "":
		return wasReleased
	}
	return wasTaken
}

// answerable reports whether a message may be answered. One whose reply subject is no inbox is not run either: whoever
// sends that does not want an answer but something else.
func (h *Host) answerable(msg *nats.Msg) bool {
	if msg.Reply == "" || h.ns.IsInbox(msg.Reply) {
		return true
	}
	h.config.Logger.Warn("a message was dropped: its reply subject is no inbox", slog.String("subject", msg.Subject),
		slog.String("reply", fmt.Sprintf("%.100s", msg.Reply)), slog.String("host", h.ID()))
	return false
}

// confirm tells the host that has forwarded a call that it has arrived, and turns the reply to the caller. A host that
// stops, and where the actor sleeps already, hands the actor over instead.
func (h *Host) confirm(msg *nats.Msg, tokens string) bool {
	h.mu.Lock()
	released := h.stopping && h.active[tokens] == nil && !h.presence.Session().Stranded.Load()
	h.mu.Unlock()
	confirmation := &nats.Msg{Subject: msg.Reply}
	if released {
		confirmation.Header = nats.Header{wire.HeaderReleased: {"1"}}
	}
	if msg.Reply != "" {
		h.send(confirmation)
	}
	msg.Reply = header(msg.Header, wire.HeaderReplyTo)
	return !released && h.answerable(msg)
}

func errorf(code troupe.Code, format string, args ...any) *troupe.Error {
	return &troupe.Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// unavailable is the error of a call that had no effect, and that may find the actor elsewhere.
func unavailable(format string, args ...any) *troupe.Error {
	err := errorf(troupe.CodeUnavailable, format, args...)
	err.Retryable = true
	return err
}

func overloaded(format string, args ...any) *troupe.Error {
	err := errorf(troupe.CodeOverloaded, format, args...)
	err.Retryable = true
	return err
}
