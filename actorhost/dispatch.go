package actorhost

import (
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/call"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/wire"
)

// dispatcher reads the inbox of a host.
type dispatcher struct {
	*roster
	serveHostRequest func(*nats.Msg) bool // answers what the host itself is asked, if msg is that
	batch            []nats.Msg           // that is being read
	lookups          chan struct{}        // has one for each position that is looked up
}

// run hands each message that any subscription of the host receives to its actor, until quit is closed. It never waits.
func (d *dispatcher) run(quit <-chan struct{}) {
	for {
		select {
		case msg := <-d.inbox:
			if a := d.receive(msg); a != nil {
				d.ready.Add(a)
			}
		case <-quit:
			d.refuseInbox()
			return
		}
	}
}

// refuseInbox answers what had arrived when the host stopped: no actor is awake any more, and none wakes.
func (d *dispatcher) refuseInbox() {
	for {
		select {
		case msg := <-d.inbox:
			d.receive(msg)
		default:
			return
		}
	}
}

// receive puts a message into the mailbox of its actor, and returns the activation if the caller must have it worked
// off.
func (d *dispatcher) receive(msg *nats.Msg) *activation {
	target, ok := d.ns.ParseCall(msg.Subject)
	if !ok {
		d.receiveHostRequest(msg)
		return nil
	}
	if !d.out.Answerable(msg) {
		return nil
	}
	if target.Forwarded && !d.confirmForwarded(msg, target.Tokens) {
		return nil
	}
	return d.receiveCall(msg, target, d.clock.Now())
}

func (d *dispatcher) receiveCall(msg *nats.Msg, target wire.Target, now time.Duration) *activation {
	w := &work{kind: callWork, Call: call.Of(msg)}
	w.Action = target.Action
	if err := d.admit(w, target, now); err != nil {
		d.out.Refuse(&w.Call, err)
		return nil
	}
	if w.Action == wire.PositionAction {
		d.servePosition(w, target.Tokens)
		return nil
	}
	return d.enqueue(target.Tokens, w)
}

// admit checks, and completes, what can be told of a call without its actor.
func (d *dispatcher) admit(w *work, target wire.Target, now time.Duration) *troupe.Error {
	actorType, _, _ := strings.Cut(target.Tokens, ".")
	kind := d.types[actorType]
	if kind == nil {
		return errs.New(troupe.CodeUnknownType, "this host does not serve the actor type %q", actorType)
	}
	endpoint := kind.actions[target.Action]
	if endpoint == nil {
		return errs.New(troupe.CodeUnknownAction, "the actor type %q has no action %q", actorType, target.Action)
	}
	w.arg, w.Counters = endpoint, &endpoint.Counters
	as, err := w.Encoding()
	if err != nil {
		return errs.New(troupe.CodeBadInput, "%v", err)
	}
	w.As = as
	w.Deadline = now + wire.ParseTimeout(w.Get(wire.HeaderTimeout))
	w.Existing = target.Action == troupe.DestroyAction || w.Get(wire.HeaderExisting) == "1"
	if target.Action != wire.ConnectAction { // which comes anew to each host
		w.ID.RequestID, _ = wire.ParseRequestID(w.Reply)
	}
	w.ID.Given = strings.Clone(w.Get(wire.HeaderRequestID)) // a part of all headers, which nobody must keep for it
	w.Again = w.Get(wire.HeaderAttempt) != ""
	if len(w.ID.Given) > wire.MaxRequestID {
		return errs.New(troupe.CodeBadInput, "the request id has %d bytes, at most %d are allowed", len(w.ID.Given), wire.MaxRequestID)
	}
	if chain := w.Get(wire.HeaderChain); chain != "" {
		return checkCycle(chain, target.Tokens)
	}
	return nil
}

// receiveHostRequest takes what is not a call: what the host itself is asked.
func (d *dispatcher) receiveHostRequest(msg *nats.Msg) {
	switch {
	case !d.out.Answerable(msg):
	case d.receiveBatch(msg):
	case d.serveHostRequest(msg):
	default:
		c := call.Of(msg)
		d.out.Refuse(&c, errs.New(troupe.CodeBadInput, "the subject %q names no action of an actor", msg.Subject))
	}
}

// confirmForwarded tells the host that has forwarded a call that it has arrived, and turns the reply to the caller. A host that
// stops, and where the actor sleeps already, hands the actor over instead.
func (d *dispatcher) confirmForwarded(msg *nats.Msg, tokens string) bool {
	released := d.hasReleased(tokens)
	confirmation := &nats.Msg{Subject: msg.Reply}
	if released {
		confirmation.Header = nats.Header{wire.HeaderReleased: {"1"}}
	}
	if msg.Reply != "" {
		d.out.Send(confirmation)
	}
	msg.Reply = wire.FirstHeader(msg.Header, wire.HeaderReplyTo)
	return !released && d.out.Answerable(msg)
}
