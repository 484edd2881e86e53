package actorhost

import (
	"bytes"
	"slices"
	"strings"

	"github.com/troupe-go/troupe/internal/origin"
	"github.com/troupe-go/troupe/internal/wire"
)

// take puts a message of one of the host's actors into the mailbox of another one that is awake here, and reports whether it has: see
// [origin.Host]. But for the way it is received and answered like one that NATS has brought, so its identity, its turn, and what its
// answer waits for are the same.
func (d *dispatcher) take(from origin.Replies, msg *wire.Message) bool {
	target, ok := d.ns.ParseCall(msg.Subject)
	if !ok || !d.isActive(target.Tokens) || !d.isCaller(from) {
		return false
	}
	kept := wire.Message{ // the reply subject is in memory that is used again, like the rest
		Subject: msg.Subject, Reply: strings.Clone(msg.Reply), Header: slices.Clone(msg.Header), Data: bytes.Clone(msg.Data),
	}
	if a := d.receiveCall(&kept, target, d.clock.Now()); a != nil {
		d.ready.Add(a)
	}
	return true
}

// isCaller reports whether the replies go to the first client on the host's connection that has asked. An action may use another one,
// whose user NATS may allow less.
func (e *env) isCaller(from origin.Replies) bool {
	if from.Conn() != e.nc {
		return false
	}
	known := e.caller.Load()
	if known == nil {
		first := from // only now, so that no other call allocates
		e.caller.CompareAndSwap(nil, &first)
		known = e.caller.Load()
	}
	return *known == from
}

// answerHere gives a reply to one of the host's actors, if it is for one.
func (e *env) answerHere(reply *wire.Message) bool {
	caller := e.caller.Load()
	if caller == nil || !strings.HasPrefix(reply.Subject, (*caller).Name()) {
		return false
	}
	(*caller).Deliver(reply)
	return true
}
