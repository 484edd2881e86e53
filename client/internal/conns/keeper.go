package conns

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
)

// keeper gets connections back that are lost, and finds out which are. It has one goroutine.
type keeper struct {
	all func() []*conn

	mu   sync.Mutex
	lost map[*conn]struct{} // may be
	wake chan struct{}      // tells run that there are lost ones; has room for one
}

const (
	// Of the connections with actors on one host, one asks its actor this often whether it is there.
	askHostsEvery = 2 * time.Second
	asksAtOnce    = 64
	askTimeout    = 5 * time.Second
	firstPause    = 100 * time.Millisecond // after a failure, twice as long each time up to
	lastPause     = 5 * time.Second
)

func newKeeper(all func() []*conn) *keeper {
	return &keeper{all: all, lost: make(map[*conn]struct{}), wake: make(chan struct{}, 1)}
}

// repair asks the actors for connections soon.
func (k *keeper) repair(conns ...*conn) {
	k.add(conns...)
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

func (k *keeper) add(conns ...*conn) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, c := range conns {
		k.lost[c] = struct{}{}
	}
}

// run is the goroutine of the keeper, until quit is closed. It is told of changes of the connection to NATS.
func (k *keeper) run(changes <-chan nats.Status, quit <-chan struct{}) {
	tick := time.NewTicker(askHostsEvery)
	defer tick.Stop()
	again := time.NewTimer(lastPause)
	defer again.Stop()
	pause := firstPause
	for {
		select {
		case <-quit:
			return
		case status := <-changes:
			all := k.all()
			for _, c := range all {
				c.lose(nats.ErrDisconnected)
			}
			if status == nats.CONNECTED {
				k.repair(all...)
			}
			continue
		case <-tick.C:
			k.askHosts()
		case <-k.wake:
		case <-again.C:
		}
		if k.establishLost() {
			pause = firstPause
		} else {
			again.Reset(pause)
			pause = min(2*pause, lastPause)
		}
	}
}

// askHosts asks one actor on each host. If that one has moved, all connections with actors on the host are repaired.
func (k *keeper) askHosts() {
	byHost := make(map[string][]*conn)
	for _, c := range k.all() {
		if host, connected := c.host(); connected {
			byHost[host] = append(byHost[host], c)
		}
	}
	var asking errgroup.Group
	asking.SetLimit(asksAtOnce)
	for host, all := range byHost {
		asking.Go(func() error {
			one := all[0] // maps are in no order: each time another one
			err := establishWithin(one, askTimeout)
			if now, _ := one.host(); err != nil || now != host {
				k.repair(all...)
			}
			return nil
		})
	}
	_ = asking.Wait() // it has no errors
}

// establishLost gets connections back that may be lost. It reports whether it has all of them.
func (k *keeper) establishLost() bool {
	k.mu.Lock()
	lost := k.lost
	k.lost = make(map[*conn]struct{})
	k.mu.Unlock()
	var asking errgroup.Group
	asking.SetLimit(asksAtOnce)
	for c := range lost {
		if c.Err() != nil { // it has ended
			continue
		}
		asking.Go(func() error {
			err := establishWithin(c, askTimeout)
			switch {
			case err == nil:
				return nil
			case final(err):
				if c.end(fmt.Errorf("connecting again: %w", err)) {
					c.outlet.forget(c, true)
				}
				return nil
			}
			c.lose(err)
			k.add(c)
			return err
		})
	}
	return asking.Wait() == nil
}

func establishWithin(c *conn, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return c.establish(ctx)
}

// final reports whether err is the end of a connection: the actor, or its type, does not accept it.
func final(err error) bool {
	var failed *troupe.Error
	if !errors.As(err, &failed) {
		return false
	}
	switch failed.Code {
	case troupe.CodeUnavailable, troupe.CodeOutcomeUnknown, troupe.CodeDeadlineExceeded, troupe.CodeOverloaded, troupe.CodeUnknownType:
		return failed.FromActor
	}
	return true
}
