package actorhost

import (
	"fmt"
	"log/slog"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/rpc"
	"github.com/troupe-go/troupe/internal/wire"
)

// outlet is by which a host sends: replies, events, and refusals of what it does not do.
type outlet struct {
	nc      *nats.Conn
	ns      wire.Namespace
	logger  *slog.Logger
	host    func() string // the id of the host
	busy    func() bool   // calls have arrived that nobody is at yet: their replies are about to follow
	replies *rpc.Batcher
}

func newOutlet(nc *nats.Conn, ns wire.Namespace, logger *slog.Logger, host func() string, busy func() bool) *outlet {
	o := &outlet{nc: nc, ns: ns, logger: logger, host: host, busy: busy}
	o.replies = rpc.NewBatcher(nc, rpc.BatcherConfig{
		Short:   true,
		Subject: func(caller string) string { return wire.ManyReplies(caller, o.host()) },
		Failed:  func(caller string, _ uint64, err error) { o.sent(caller, err) },
	})
	return o
}

// headerRoom is what a reply's headers may take of a message.
const headerRoom = 128

// fits checks the output of an action against what the server takes.
func (o *outlet) fits(w *work, output []byte) error {
	if len(output)+headerRoom <= wire.AlwaysFits {
		return nil
	}
	if limit := o.nc.MaxPayload(); int64(len(output)+headerRoom) > limit {
		return errs.New(troupe.CodeTooLarge, "the reply of %s has %d bytes, the server takes at most %d",
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

// errorReply makes the answer to a call that has failed.
func (o *outlet) errorReply(w *work, as codec.Codec, err *troupe.Error) nats.Msg {
	if w.reply == "" {
		return nats.Msg{}
	}
	msg, cause := wire.EncodeError(err, as, o.nc.MaxPayload())
	if cause != nil {
		o.logger.Error("the metadata of an error was left out", slog.String("action", w.action),
			slog.String("host", o.host()), slog.Any("error", cause))
	}
	msg.Subject = w.reply
	return *msg
}

// refuse answers work that was not started.
func (o *outlet) refuse(w *work, err *troupe.Error) {
	w.refused(err)
	as := w.as
	if as == nil {
		as = codec.MsgPack
		if asked, err := contentType(w.header); err == nil {
			as = asked
		}
	}
	msg := o.errorReply(w, as, err)
	o.sendReply(&msg, o.busy())
}

// send publishes, after all replies that were sent before. It fails only without a connection, when nobody can be told
// either.
func (o *outlet) send(msg *nats.Msg) {
	o.replies.Flush()
	o.sent(msg.Subject, o.nc.PublishMsg(msg))
}

// sendReply publishes a reply: now, or, when more are about to follow, together with those that go to the same caller if
// it takes them so.
func (o *outlet) sendReply(msg *nats.Msg, more bool) {
	if msg.Subject == "" {
		return
	}
	caller, ok := wire.TakesMany(msg.Subject)
	if !ok {
		o.send(msg)
		return
	}
	o.sent(msg.Subject, o.replies.Add(caller, msg, more, nil))
}

func (o *outlet) sent(subject string, err error) {
	if err != nil {
		o.logger.Warn("publishing failed", slog.String("subject", subject), slog.String("host", o.host()), slog.Any("error", err))
	}
}

// sendPending tells the caller of a call that has come again that its actor is at it.
func (o *outlet) sendPending(w *work) {
	o.sendReply(&nats.Msg{Subject: w.reply, Header: nats.Header{wire.HeaderPending: {o.host()}}}, o.busy())
}

// answer answers what is asked of the host, if somebody waits for that.
func (o *outlet) answer(msg *nats.Msg, data []byte) {
	if msg.Reply != "" {
		o.send(&nats.Msg{Subject: msg.Reply, Data: data})
	}
}

// answerable reports whether a message may be answered. One whose reply subject is no inbox is not run either: whoever
// sends that does not want an answer but something else.
func (o *outlet) answerable(msg *nats.Msg) bool {
	if msg.Reply == "" || o.ns.IsInbox(msg.Reply) {
		return true
	}
	o.logger.Warn("a message was dropped: its reply subject is no inbox", slog.String("subject", msg.Subject),
		slog.String("reply", fmt.Sprintf("%.100s", msg.Reply)), slog.String("host", o.host()))
	return false
}
