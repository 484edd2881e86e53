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
	"github.com/troupe-go/troupe/internal/wire"
)

// A host counts as up for peerUpFor after its answer to a ping, and as silent after pingTimeout without one.
const peerUpFor, pingTimeout = 100 * time.Millisecond, 250 * time.Millisecond

// maxPeers limits how many hosts are remembered as up, and how many as gone. When a limit is reached, all of that kind
// are forgotten and asked again.
const maxPeers = 1024

// Peers finds out whether other hosts are up. It remembers which have answered lately, and which are gone.
type Peers struct {
	config     *Config
	recoveries singleflight.Group // by host id

	mu   sync.Mutex
	seen map[string]time.Time
	gone map[string]bool
}

// errSilent: the host does not answer, but its lease has not run out.
var errSilent = errors.New("the actor's host does not answer and still has its lease")

// WaitForOwner reports whether the host that owns an actor is up. It waits until this is certain, at most until ctx is
// done. The call waits here because its caller could only ask again, perhaps the silent host itself.
func (p *Peers) WaitForOwner(ctx context.Context, owner string) (bool, error) {
	for {
		up, err := p.ownerUp(ctx, owner)
		if !errors.Is(err, errSilent) || !pause.For(ctx, silentPause) {
			return up, err
		}
	}
}

// silentPause is the pause before a silent host is pinged again.
const silentPause = 50 * time.Millisecond

// ownerUp reports whether calls can be sent to the host that owns an actor. It returns false only if that host is
// certainly gone: it has no lease, or, on a single server, nobody listens for its pings. In the second case it revokes
// the lease before anybody claims the host's actors. On a cluster the missing listener proves nothing, and counts only
// with TakeoverOnDisconnect.
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
	cluster := !p.config.Leases.OnOneServer()
	switch {
	case err != nil:
		return false, err
	case up && (!errors.Is(pingErr, nats.ErrNoResponders) || cluster && !p.config.TakeoverOnDisconnect):
		return false, fmt.Errorf("%w: %s", errSilent, owner)
	case up || cluster: // on a cluster a lagging replica may miss the lease
		if err := p.config.Leases.Revoke(ctx, owner, revision); errors.Is(err, store.ErrConflict) {
			return false, fmt.Errorf("%w: %s", errSilent, owner) // it was renewed just now
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

// MakeGone reports whether a host is gone for certain. It has no lease then: if it had one though nobody listens for its pings,
// that is revoked.
func (p *Peers) MakeGone(ctx context.Context, host string) (bool, error) {
	up, err := p.ownerUp(ctx, host)
	if errors.Is(err, errSilent) {
		return false, nil
	}
	return err == nil && !up, err
}

// Gone reports whether a host seems to be gone, though it may have a lease yet: on a single server nobody listens for its pings.
func (p *Peers) Gone(ctx context.Context, host string) bool {
	if p.config.Leases.OnOneServer() || p.config.TakeoverOnDisconnect {
		return errors.Is(p.ping(ctx, host), nats.ErrNoResponders)
	}
	return false
}

// recover writes into the records what only the journal of a dead host has. All who wait for the same host share one
// recovery.
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
		p.config.Go(func() { _ = p.config.Journals.Forget(p.config.UntilStop, owner) }) // on failure it only takes up some space
	}
	return err
}

// recoverTimeout limits one try. The next one continues where it ended.
const recoverTimeout = 30 * time.Second

// ping pings a host several times within pingTimeout. A single ping may be lost: the server sends it to a host that has
// just died until it notices.
func (p *Peers) ping(ctx context.Context, host string) error {
	request, err := p.config.Asker.Begin("", time.Now())
	if err != nil {
		return err
	}
	defer request.End()
	const tries = 4
	for range tries {
		_, err = request.Do(ctx, &wire.Message{Subject: p.config.Namespace.Ping(host)}, time.Now().Add(pingTimeout/tries))
		if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			break
		}
	}
	return err
}

// recall returns what is known of a host without a ping. A host that is gone never comes back: its id is random.
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

// Forget makes the next WaitForOwner ping a host again, because the host has not taken a call.
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
