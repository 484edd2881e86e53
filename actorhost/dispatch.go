package actorhost

import (
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

// dispatch hands each message that any subscription of the host receives to its actor. It never waits.
func (h *Host) dispatch() {
	for {
		select {
		case msg := <-h.inbox:
			if a := h.receive(msg); a != nil {
				h.ready.add(a)
			}
		case <-h.quit:
			h.refuseRest()
			return
		}
	}
}

// refuseRest answers what had arrived when the host stopped: no actor is awake any more, and none wakes.
func (h *Host) refuseRest() {
	for {
		select {
		case msg := <-h.inbox:
			h.receive(msg)
		default:
			return
		}
	}
}

// busy reports whether calls have arrived that nobody is at yet.
func (h *Host) busy() bool { return len(h.inbox) > 0 || h.ready.queued.Load() > 0 }

// receive puts a message into the mailbox of its actor, and returns the activation if the caller must have it worked
// off.
func (h *Host) receive(msg *nats.Msg) *activation {
	target, ok := h.ns.ParseCall(msg.Subject)
	if !ok {
		h.receiveOther(msg)
		return nil
	}
	if !h.answerable(msg) {
		return nil
	}
	if target.Forwarded && !h.confirm(msg, target.Tokens) {
		return nil
	}
	return h.receiveCall(msg, target, h.now())
}

func (h *Host) receiveCall(msg *nats.Msg, target wire.Target, now time.Duration) *activation {
	w := &work{kind: callWork, message: messageOf(msg), action: target.Action}
	if err := h.admit(w, target, now); err != nil {
		h.refuse(w, err)
		return nil
	}
	if w.action == wire.PositionAction {
		h.tellPosition(w, target.Tokens)
		return nil
	}
	return h.enqueue(target.Tokens, w)
}

// admit checks, and completes, what can be told of a call without its actor.
func (h *Host) admit(w *work, target wire.Target, now time.Duration) *troupe.Error {
	actorType, _, _ := strings.Cut(target.Tokens, ".")
	kind := h.types[actorType]
	if kind == nil {
		return errorf(troupe.CodeUnknownType, "this host does not serve the actor type %q", actorType)
	}
	w.served = kind.actions[target.Action]
	if w.served == nil {
		return errorf(troupe.CodeUnknownAction, "the actor type %q has no action %q", actorType, target.Action)
	}
	as, err := contentType(w.header)
	if err != nil {
		return errorf(troupe.CodeBadInput, "%v", err)
	}
	w.as = as
	w.deadline = now + wire.ParseTimeout(header(w.header, wire.HeaderTimeout))
	w.existing = target.Action == troupe.DestroyAction || header(w.header, wire.HeaderExisting) == "1"
	if target.Action != wire.ConnectAction { // which comes anew to each host
		w.id.RequestID, _ = wire.ParseRequestID(w.reply)
	}
	w.id.Given = strings.Clone(header(w.header, wire.HeaderRequestID)) // a part of all headers, which nobody must keep for it
	w.again = header(w.header, wire.HeaderAttempt) != ""
	if len(w.id.Given) > wire.MaxRequestID {
		return errorf(troupe.CodeBadInput, "the request id has %d bytes, at most %d are allowed", len(w.id.Given), wire.MaxRequestID)
	}
	if chain := header(w.header, wire.HeaderChain); chain != "" {
		return cycle(chain, target.Tokens)
	}
	return nil
}

// maxSpelt is how much of a chain is spelt out.
const maxSpelt = 4 << 10

// cycle is the error of a call whose actor waits in it.
func cycle(chain, tokens string) *troupe.Error {
	if len(chain) > wire.MaxChainBytes {
		return errorf(troupe.CodeBadInput, "the call chain has %d bytes, at most %d are allowed", len(chain), wire.MaxChainBytes)
	}
	spelt := func() string {
		whole := chain + "," + tokens
		return strings.NewReplacer(".", "/", ",", " -> ").Replace(whole[max(0, len(whole)-maxSpelt):])
	}
	length := 0
	for waiting := range strings.SplitSeq(chain, ",") {
		if waiting == tokens {
			return errorf(troupe.CodeCallCycle, "%s", spelt())
		}
		if length++; length == wire.MaxChain {
			return errorf(troupe.CodeCallCycle, "more than %d actors wait: %s", wire.MaxChain, spelt())
		}
	}
	return nil
}

// receiveOther takes what is not a call: what the host itself is asked.
func (h *Host) receiveOther(msg *nats.Msg) {
	switch {
	case !h.answerable(msg):
	case h.receiveBatch(msg):
	case h.respond(msg):
	default:
		h.refuse(&work{message: messageOf(msg)}, errorf(troupe.CodeBadInput, "the subject %q names no action of an actor", msg.Subject))
	}
}

// enqueue puts work into the mailbox of an actor, which comes to life for it. It returns the activation if the caller
// must have it worked off.
func (h *Host) enqueue(tokens string, w *work) *activation {
	for {
		a, err := h.activation(tokens)
		if err != nil {
			h.refuse(w, err)
			return nil
		}
		switch a.offer(w) {
		case first:
			return a
		case taken:
			return nil
		case pending:
			h.sendPending(w)
			return nil
		case full:
			h.refuse(w, overloaded("too much waits for %s, or on its host: at most %d calls, or %d MB of them, and %d MB on the host",
				a.id, a.kind.limits.mailbox, maxMailboxBytes>>20, maxWaitingBytes>>20))
			return nil
		case closed: // it has just ended: its successor takes over
		}
	}
}

// activation is the activation of an actor, a new one when there is none.
func (h *Host) activation(tokens string) (*activation, *troupe.Error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if a := h.active[tokens]; a != nil {
		return a, nil
	}
	id, err := troupe.ParseID(tokens)
	if err != nil {
		return nil, errorf(troupe.CodeBadInput, "%v", err)
	}
	s := h.session.Load()
	switch {
	case h.stopping:
		return nil, unavailable("the host is stopping")
	case !s.valid():
		return nil, unavailable("%v", errNoLease)
	case len(h.active) >= h.config.MaxActive:
		return nil, overloaded("%d actors are awake on the host", len(h.active))
	}
	a := newActivation(h, id, s)
	h.active[id.Tokens()] = a
	return a, nil
}

// refuse answers work that was not started.
func (h *Host) refuse(w *work, err *troupe.Error) {
	w.refused(err)
	as := w.as
	if as == nil {
		as = codec.MsgPack
		if asked, err := contentType(w.header); err == nil {
			as = asked
		}
	}
	msg := h.errorReply(w, as, err)
	h.sendReply(&msg, h.busy())
}
