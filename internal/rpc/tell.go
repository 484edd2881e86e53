package rpc

import (
	"sync"
	"time"

	"github.com/troupe-go/troupe/internal/link"
	"github.com/troupe-go/troupe/internal/wire"
)

var spareMessages = sync.Pool{New: func() any { return new(wire.NATSMessage) }}

// Tell sends a message to which nobody replies, once: together with others to the host that has the receiver, if that is known, and
// else alone. The message may be reused when Tell returns. The error is a nats.ErrConnectionClosed once the Requester, or its
// connection, is closed; that of a message that travels with others is lost.
func (r *Requester) Tell(to string, msg *wire.Message) error {
	batcher, h, err := r.known(to, time.Now())
	if err != nil {
		return err
	}
	if h != nil && r.nc.IsConnected() {
		return batcher.Add(h.batchSubject, msg, true, nil)
	}
	memory := spareMessages.Get().(*wire.NATSMessage)
	defer spareMessages.Put(memory)
	return link.Reason(r.nc, r.nc.PublishMsg(msg.NATS(memory)))
}

// known returns the host that has just said that it has a receiver, if one has and takes batches.
func (r *Requester) known(to string, now time.Time) (*Batcher, *host, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waiting == nil {
		return nil, nil, r.ended
	}
	if l := r.inflight[to]; r.knows(l, now) {
		return r.batcher, l.host, nil
	}
	return nil, nil, nil
}
