package rpc

import (
	"bytes"
	"slices"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/internal/wire"
)

// Conn is the connection of the requests.
func (r *Requester) Conn() *nats.Conn { return r.nc }

// Name is what the reply subjects of all requests begin with.
func (r *Requester) Name() string { return r.name }

// Deliver gives a reply that has not come over NATS to the request that waits for it. It copies what it keeps.
func (r *Requester) Deliver(msg *wire.Message) {
	header, data := slices.Clone(msg.Header), bytes.Clone(msg.Data)
	r.mu.Lock()
	defer r.mu.Unlock()
	q := r.find(msg.Subject[len(r.name):])
	switch {
	case q == nil:
	case len(header) > 0:
		kept := wire.Message{Subject: q.subject, Header: header, Data: data}
		q.offer(reply{msg: kept.NATS(nil)})
	default: // see isLast
		r.remove(q)
		q.last = nats.Msg{Subject: q.subject, Data: data}
		q.offer(reply{msg: &q.last})
	}
}

// Give makes the first attempt within this process: give is to hand msg, whose Reply is set, to its receiver, and copies what it
// keeps. If it cannot, nothing has happened. Then [Request.Wait] waits for the reply.
func (q *Request) Give(msg *wire.Message, give func(msg *wire.Message) bool) bool {
	msg.Reply = q.subject
	if !give(msg) {
		return false
	}
	q.host, q.firstTo = nil, msg.Subject
	q.sent.Store(&q.firstTo)
	q.sendings++
	return true
}
