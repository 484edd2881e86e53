package presence

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/singleflight"

	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/store"
)

// A host that answered a ping counts as up for this long, and one that does not answer in this time as silent.
const peerUpFor, pingTimeout = 100 * time.Millisecond, 250 * time.Millisecond

// maxPeers bounds the memory of answered pings, and of hosts that are gone; beyond it all is forgotten and asked again.
const maxPeers = 1024

// Peers tells whether other hosts are up. It remembers which have answered, and which never will.
type Peers struct {
	config     *Config
	recoveries singleflight.Group // by the id of a host

	mu   sync.Mutex
	seen map[string]time.Time
	gone map[string]bool
}

// errSilent: a host does not answer and its lease has not run out.
var errSilent = errors.New("the actor's host does not answer and still has its lease")

// WaitForOwner tells whether the host that owns an actor is up. It waits as long as that cannot be told, at most until ctx is
// done: a call waits here rather than at its caller, who could only ask again, and perhaps the silent host itself.
func (p *Peers) WaitForOwner(ctx context.Context, owner string) (bool, error) {
	for {
		up, err := p.ownerUp(ctx, owner)
		if !errors.Is(err, errSilent) || !pause.For(ctx, silentPause) {
			return up, err
		}
	}
}

// silentPause is the pause before a silent host is asked again.
const silentPause = 50 * time.Millisecond

// ownerUp finds out whether the host that owns an actor can be sent a call. It is false only when that host is
// provably gone: no lease, or, on a single server, nobody at its ping, and then its lease is revoked before anybody
// claims what it owned. On a cluster the latter proves nothing, but may be told to count.
func (p *Peers) ownerUp(ctx context.Context, owner string) (bool, error) {
	if up, known := p.recall(owner); known {
		return up, nil
	}
	pingErr := p.ping(ctx, owner)
	if pingErr == nil {
		p.setUp(owner)
		return true, nil
	}
	revision, up, err := p.config.Leases.Revision(ctx, owner)
	cluster := p.config.Conn.ConnectedClusterName() != ""
	switch {
	case err != nil:
		return false, err
	case up && (!errors.Is(pingErr, nats.ErrNoResponders) || cluster && !p.config.TakeoverOnDisconnect):
		return false, fmt.Errorf("%w: %s", errSilent, owner)
	case up || cluster: // where a replica that lags may not know of the lease
		if err := p.config.Leases.Revoke(ctx, owner, revision); errors.Is(err, store.ErrConflict) {
			return false, fmt.Errorf("%w: %s", errSilent, owner) // it has just renewed
		} else if err != nil {
			return false, fmt.Errorf("revoking the lease of %s: %w", owner, err)
		}
	}
	if err := p.recover(ctx, owner); err != nil {
		return false, err
	}
	p.setGone(owner)
	return false, nil
}

// recover brings into the records what only the journal of a host has that is gone. All who wait for that wait for one.
func (p *Peers) recover(ctx context.Context, owner string) error {
	done := make(chan error, 1)
	p.config.Go(func() {
		_, err, _ := p.recoveries.Do(owner, func() (any, error) { return nil, p.recoverNow(owner) })
		done <- err
	})
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("recovering the journal of %s: %w", owner, ctx.Err())
	}
}

func (p *Peers) recoverNow(owner string) error {
	ctx, cancel := context.WithTimeout(p.config.Ctx, recoverTimeout)
	defer cancel()
	err := p.config.Journals.Recover(ctx, owner)
	if err == nil {
		p.config.Go(func() { _ = p.config.Journals.Forget(p.config.UntilStop, owner) }) // and else it takes up some room
	}
	return err
}

// recoverTimeout bounds one try, which others may follow that go on where it has ended.
const recoverTimeout = 30 * time.Second

// ping asks a host for a sign of life, within the pingTimeout, and again in that time: what is sent to a host that has
// just died is lost until the server knows it.
func (p *Peers) ping(ctx context.Context, host string) error {
	request, err := p.config.Requester.Begin("", time.Now())
	if err != nil {
		return err
	}
	defer request.End()
	const tries = 4
	for range tries {
		_, err = request.Do(ctx, &nats.Msg{Subject: p.config.Namespace.Ping(host)}, time.Now().Add(pingTimeout/tries))
		if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			break
		}
	}
	return err
}

// recall is what is known of a host without asking. One that is gone never comes back: its id is random.
func (p *Peers) recall(host string) (up, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	seen, ok := p.seen[host]
	up = ok && time.Since(seen) < peerUpFor
	return up, up || p.gone[host]
}

func (p *Peers) setGone(host string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone == nil || len(p.gone) >= maxPeers {
		p.gone = make(map[string]bool)
	}
	p.gone[host] = true
}

// Forget has a host asked again that did not take a call.
func (p *Peers) Forget(host string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.seen, host)
}

func (p *Peers) setUp(host string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen == nil || len(p.seen) >= maxPeers {
		p.seen = make(map[string]time.Time)
	}
	p.seen[host] = time.Now()
}
