package tenants

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/internal/faultlog"
	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/store"
)

// CounterConfig configures a Counter.
type CounterConfig struct {
	Conn    *nats.Conn
	Tenants *Tenants
	Records *store.Records
	Index   *store.Subscriptions // which has the count
	ID      func() string        // of the host
	// Gone reports whether a host seems to be gone.
	Gone      func(ctx context.Context, host string) bool
	Faults    *faultlog.Log
	UntilStop context.Context //nolint:containedctx // the life of the host
}

// Counter has the tenants of a host know what they store. Of all hosts, one at a time has the turn to count, for all.
type Counter struct {
	config  CounterConfig
	turn    *store.Turn
	running sync.WaitGroup

	revision uint64 // of the last count
	seen     time.Time
	took     time.Duration
	looked   time.Time // last; a count that was not there then began later. So did one of this host, when it began that
}

const (
	// CountEvery is how long after a count the next begins, but restFor times what the last has taken, if that is more.
	CountEvery = time.Minute
	restFor    = 20
	// lookEvery is how often a host looks for a new count, and for the turn, which is over when it is not kept for turnLasts.
	lookEvery, turnLasts = 10 * time.Second, 30 * time.Second
	lookTimeout          = 10 * time.Second
)

// counting is what may fail for long.
const counting = "counting what tenants store failed: what they have stored since is not known"

// StartCounter starts a counter, unless nothing is to be counted: then it is nil. It knows the last count, if there is one. Callers
// must Stop it, once UntilStop has ended.
func StartCounter(ctx context.Context, config CounterConfig) *Counter {
	if !config.Tenants.Counted() {
		return nil
	}
	c := &Counter{config: config, turn: config.Index.StoredTurn()}
	c.note(c.look(ctx))
	c.running.Go(c.run)
	return c
}

// Counted reports whether it is counted what tenants store.
func (t *Tenants) Counted() bool { return t != nil && t.limits.Stored > 0 }

// Stop waits until the counter has ended.
func (c *Counter) Stop() {
	if c != nil {
		c.running.Wait()
	}
}

func (c *Counter) run() {
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = c.turn.GiveUp(ctx) // else it runs out
	}()
	for {
		c.note(c.countInTurn())
		if !pause.For(c.config.UntilStop, lookEvery/2+rand.N(lookEvery/2)) { // not all at the same moment
			return
		}
	}
}

func (c *Counter) note(err error) {
	switch {
	case err == nil:
		c.config.Faults.Works(counting)
	case c.config.UntilStop.Err() == nil && c.config.Conn.IsConnected():
		c.config.Faults.Failed(counting, store.Cause(err), err)
	}
}

// countInTurn counts if it is this host's turn, and time, and takes the last count.
func (c *Counter) countInTurn() error {
	mine, err := c.keepTurn(c.config.UntilStop)
	if err == nil && mine && (c.revision == 0 || time.Since(c.seen) >= max(CountEvery, restFor*c.took)) {
		err = c.count(c.config.UntilStop)
	}
	if err != nil {
		return err
	}
	return c.look(c.config.UntilStop)
}

func (c *Counter) keepTurn(ctx context.Context) (mine bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	mine, _, err = c.turn.Take(ctx, c.config.ID(), 1, turnLasts, c.config.Gone)
	return mine, err
}

// count counts for all hosts. It stops if another host has the turn by then.
func (c *Counter) count(ctx context.Context) error {
	began, kept := time.Now(), time.Now()
	stored := make(map[string]int64)
	for one, err := range c.config.Records.Sizes(ctx) {
		if err != nil {
			return err
		}
		if name, failed := c.config.Tenants.nameOf(one.ID); failed == nil && name != "" {
			stored[name] += one.Bytes
		}
		if time.Since(kept) > lookEvery {
			if mine, err := c.keepTurn(ctx); err != nil || !mine {
				return err
			}
			kept = time.Now()
		}
	}
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	took := time.Since(began)
	if err := c.config.Index.PutStored(ctx, took, stored); err != nil {
		return err
	}
	c.looked = began.Add(took.Truncate(time.Millisecond)) // as if it had looked when that has begun
	return nil
}

// look takes the last count, if it is new.
func (c *Counter) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	now := time.Now()
	count, revision, err := c.config.Index.Stored(ctx)
	if err != nil {
		return err
	}
	if revision != c.revision {
		c.revision, c.seen, c.took = revision, now, time.Duration(count.Took)*time.Millisecond
		c.config.Tenants.count(count.Tenants, c.looked.Add(-c.took))
	}
	c.looked = now
	return nil
}
