package actorhost

import (
	"fmt"
	"log/slog"

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

// forward sends a call on to the host that owns its actor, which answers its caller.
func (h *Host) forward(w work, owner string, id troupe.ID) {
	if w.kind != callWork {
		return // an event of a subscription that has ended with its activation
	}
	h.send(&nats.Msg{Subject: h.ns.Forward(owner, id, w.action), Reply: w.msg.Reply, Header: w.msg.Header, Data: w.msg.Data})
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
