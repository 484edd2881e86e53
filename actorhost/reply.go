package actorhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/codec"
)

// headerRoom is what a reply's headers may take of a message.
const headerRoom = 128

// fits checks the output of an action against what the server takes.
func (h *Host) fits(w work, output []byte) error {
	if limit := h.nc.MaxPayload(); int64(len(output)+headerRoom) > limit {
		return errorf(troupe.CodeTooLarge, "the reply of %s has %d bytes, the server takes at most %d",
			w.action, len(output), limit-headerRoom)
	}
	return nil
}

// reply answers a call. A call without a reply subject wants no answer.
func (h *Host) reply(w work, output []byte) {
	if w.msg.Reply == "" {
		return
	}
	msg := &nats.Msg{Subject: w.msg.Reply, Data: output}
	if w.as != codec.MsgPack {
		msg.Header = make(nats.Header, 1)
		bus.SetContentType(msg.Header, w.as)
	}
	h.send(msg)
}

func (h *Host) replyError(w work, as codec.Codec, err *troupe.Error) {
	if w.msg.Reply == "" {
		return
	}
	msg, cause := bus.EncodeError(err, as, h.nc.MaxPayload())
	if cause != nil {
		h.config.Logger.Error("the metadata of an error was left out", slog.String("action", w.action),
			slog.String("host", h.ID()), slog.Any("error", cause))
	}
	msg.Subject = w.msg.Reply
	h.send(msg)
}

// send publishes. It fails only without a connection, when nobody can be told either.
func (h *Host) send(msg *nats.Msg) {
	if msg.Subject == "" {
		return
	}
	if err := h.nc.PublishMsg(msg); err != nil {
		h.config.Logger.Warn("publishing failed", slog.String("subject", msg.Subject), slog.String("host", h.ID()), slog.Any("error", err))
	}
}

// forward hands a call over to the host that owns its actor, which confirms it and then answers the caller itself. A
// call that has certainly not arrived there is refused: its caller finds the next owner by the route.
func (h *Host) forward(w work, owner string, id troupe.ID) {
	if w.kind != callWork {
		return // an event of a subscription that has ended with its activation
	}
	msg := &nats.Msg{Subject: h.ns.Forward(owner, id, w.action), Header: maps.Clone(w.msg.Header), Data: w.msg.Data}
	if msg.Header == nil {
		msg.Header = make(nats.Header, 2)
	}
	msg.Header[bus.HeaderReplyTo] = []string{w.msg.Reply}
	msg.Header[bus.HeaderTimeout] = []string{bus.FormatTimeout(time.Until(w.deadline))}
	switch _, err := h.requester.Do(h.ctx, msg, pingTimeout); {
	case errors.Is(err, context.DeadlineExceeded):
		// It may have arrived: its caller waits.
		h.config.Logger.Warn("a forwarded call was not confirmed", slog.String("actor_type", id.Type()),
			slog.String("actor_key", id.KeyString()), slog.String("action", w.action), slog.String("host", owner))
	case err != nil:
		h.peers.forget(owner)
		h.refuse(w, unavailable("forwarding to the host %s: %v", owner, err))
	}
}

// confirm tells the host that has forwarded a call that it has arrived, and turns the reply to the caller.
func (h *Host) confirm(msg *nats.Msg) {
	h.send(&nats.Msg{Subject: msg.Reply})
	msg.Reply = header(msg, bus.HeaderReplyTo)
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
