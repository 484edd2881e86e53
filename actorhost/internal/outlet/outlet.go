// Package outlet sends a host's replies, refusals and events.
package outlet

import (
	"fmt"
	"log/slog"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/call"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/faultlog"
	"github.com/troupe-go/troupe/internal/rpc"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// publishing is what may fail for long.
const publishing = "publishing failed"

// Outlet sends on one connection. It is safe for concurrent use.
type Outlet struct {
	nc      *nats.Conn
	ns      wire.Namespace
	logger  *slog.Logger
	faults  *faultlog.Log
	host    func() string // returns the host's id
	busy    func() bool   // reports whether calls have arrived that no goroutine has taken yet: more replies will follow soon
	replies *rpc.Batcher

	// Here gives a reply to the caller if that is in this process, and reports whether it is. Nil: none is.
	Here func(reply *wire.Message) bool
}

// New returns an outlet. host returns the host's id. busy reports whether calls have arrived that no goroutine has
// taken yet.
func New(
	nc *nats.Conn, ns wire.Namespace, logger *slog.Logger, faults *faultlog.Log, host func() string, busy func() bool,
) *Outlet {
	o := &Outlet{nc: nc, ns: ns, logger: logger, faults: faults, host: host, busy: busy}
	o.replies = rpc.NewBatcher(nc, rpc.BatcherConfig{
		Short:   true,
		Subject: func(caller string) string { return wire.ManyReplies(caller, o.host()) },
		Failed:  func(caller string, _ uint64, err error) { o.logFailure(caller, err) },
	})
	return o
}

// headerRoom is how many bytes of a message the headers of a reply may take.
const headerRoom = 128

// Fits checks whether the server takes a reply with this output of an action.
func (o *Outlet) Fits(action string, output []byte) error {
	if len(output)+headerRoom <= wire.AlwaysFits {
		return nil
	}
	if limit := o.nc.MaxPayload(); int64(len(output)+headerRoom) > limit {
		return errs.New(troupe.CodeTooLarge, "the reply of %s has %d bytes, the server takes at most %d",
			action, len(output), limit-headerRoom)
	}
	return nil
}

// Reply makes the reply to a call. It has no subject if nobody waits for one.
func Reply(c *call.Call, output []byte) wire.Message {
	if c.Reply == "" {
		return wire.Message{}
	}
	msg := wire.Message{Subject: c.Reply, Data: output}
	if c.As != codec.MsgPack {
		msg.Header = msg.Header.With(wire.HeaderContentType, c.As.ContentType())
	}
	tellOfSubject(c, &msg)
	return msg
}

// ErrorReply makes the reply to a failed call. It has no subject if nobody waits for one.
func (o *Outlet) ErrorReply(c *call.Call, as codec.Codec, err *troupe.Error) wire.Message {
	if c.Reply == "" {
		return wire.Message{}
	}
	encoded, cause := wire.EncodeError(err, as, o.nc.MaxPayload())
	if cause != nil {
		o.logger.Error("the metadata of an error was left out", slog.String("action", c.Action),
			slog.String("host", o.host()), slog.Any("error", cause))
	}
	msg := wire.MessageOf(encoded)
	msg.Subject = c.Reply
	tellOfSubject(c, &msg)
	return msg
}

// tellOfSubject has a reply say that the reply subject has arrived, if that is so and the caller does not know it.
func tellOfSubject(c *call.Call, reply *wire.Message) {
	if c.Arrives {
		reply.Header = reply.Header.With(wire.HeaderCall, wire.SubjectArrives)
	}
}

// Refuse answers a call that was not run or whose changes were not stored.
func (o *Outlet) Refuse(c *call.Call, err *troupe.Error) {
	c.CountRefused(err)
	as := c.As
	if as == nil {
		as = codec.MsgPack
		if asked, _ := c.Encoding(); asked != nil {
			as = asked
		}
	}
	msg := o.ErrorReply(c, as, err)
	o.SendReply(&msg, o.busy())
}

// Send publishes a message after all replies that were sent before. A failure is only logged: without a connection
// there is nobody to tell.
func (o *Outlet) Send(msg *nats.Msg) {
	o.replies.Flush()
	o.logFailure(msg.Subject, o.nc.PublishMsg(msg))
}

// SendReply publishes a reply. If more replies follow soon, it may wait for them, to travel in one message with those
// to the same caller, if that caller accepts this.
func (o *Outlet) SendReply(msg *wire.Message, more bool) {
	if msg.Subject == "" || o.Here != nil && o.Here(msg) {
		return
	}
	caller, ok := wire.TakesMany(msg.Subject)
	if !ok {
		o.Send(msg.NATS(nil))
		return
	}
	o.logFailure(msg.Subject, o.replies.Add(caller, msg, more, nil))
}

func (o *Outlet) logFailure(subject string, err error) {
	if err != nil {
		err = wire.Disconnected(err)
		o.faults.Failed(publishing, store.Cause(err), err, slog.String("subject", subject), slog.String("host", o.host()))
	} else {
		o.faults.Works(publishing)
	}
}

// SendPending tells a caller that has sent its call again, or asks for it, that the call is already running or queued.
func (o *Outlet) SendPending(c *call.Call) { o.sendWord(c, wire.HeaderPending) }

// SendAbsent tells a caller that asks for its call that the call is not here.
func (o *Outlet) SendAbsent(c *call.Call) { o.sendWord(c, wire.HeaderAbsent) }

// sendWord sends a header with the id of the host, which is no answer yet.
func (o *Outlet) sendWord(c *call.Call, header string) {
	msg := &wire.Message{Subject: c.Reply, Header: wire.Header{{Name: header, Value: o.host()}}}
	tellOfSubject(c, msg)
	o.SendReply(msg, o.busy())
}

// Answer answers a request to the host, if somebody waits for the answer.
func (o *Outlet) Answer(reply string, data []byte) {
	if reply != "" {
		o.Send(&nats.Msg{Subject: reply, Data: data})
	}
}

// Answerable reports whether a message may be answered. A message whose reply subject is not an inbox must not even be
// run: its sender wants something other than an answer.
func (o *Outlet) Answerable(subject, reply string) bool {
	if reply == "" || o.ns.IsInbox(reply) {
		return true
	}
	o.logger.Warn("a message was dropped: its reply subject is not an inbox", slog.String("subject", subject),
		slog.String("reply", fmt.Sprintf("%.100s", reply)), slog.String("host", o.host()))
	return false
}
