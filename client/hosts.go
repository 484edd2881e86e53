package client

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// hosts tells calls that wait at a host whether it is still there: when it dies, nobody else would say so. It is asked
// for all of them together, and only as long as there are any.
type hosts struct {
	mu   sync.Mutex
	seen map[string]seen // by id
}

type seen struct {
	next   time.Time // when the host may be asked again
	gone   bool
	silent time.Duration // the pause after a ping that was not answered
}

const (
	// A call that waits looks this often whether its host is there, and waits as long for word of it.
	hostEvery = 75 * time.Millisecond
	// A host that says nothing has just died, or is frozen, or must not be asked by this program: it is asked less and
	// less, down to this often, and the call finds out by being sent again.
	askSilentEvery = 2 * time.Second
	// maxSeen bounds the memory of hosts; beyond it all are asked anew.
	maxSeen = 1024
)

// hostGone reports whether NATS says that a host is not there. It may be wrong, for a moment, on a cluster or while a host
// reconnects: a reason to send a call again, and no more.
func (c *Client) hostGone(ctx context.Context, host string) bool {
	now := time.Now()
	c.hosts.mu.Lock()
	known := c.hosts.seen[host]
	if now.Before(known.next) {
		c.hosts.mu.Unlock()
		return known.gone
	}
	if c.hosts.seen == nil || len(c.hosts.seen) >= maxSeen {
		c.hosts.seen = make(map[string]seen)
	}
	known.next = now.Add(hostEvery) // nobody else asks meanwhile
	c.hosts.seen[host] = known
	c.hosts.mu.Unlock()

	_, err := c.requester.Do(ctx, &nats.Msg{Subject: c.ns.Ping(host)}, hostEvery)
	switch known.gone = errors.Is(err, nats.ErrNoResponders); {
	case err == nil || known.gone:
		known.silent = 0
	default:
		known.next = now.Add(hostEvery + known.silent)
		known.silent = min(2*known.silent+hostEvery, askSilentEvery)
	}
	c.hosts.mu.Lock()
	defer c.hosts.mu.Unlock()
	c.hosts.seen[host] = known
	return known.gone
}
