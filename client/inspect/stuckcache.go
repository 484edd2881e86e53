package inspect

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/troupe-go/troupe/internal/look"
)

// scanTime is how long reading all records may take.
const scanTime = 20 * time.Second

// stuckData is what the page about what is stuck shows.
type stuckData struct {
	All     []look.Stuck
	Left    int // that are not shown
	Damaged int // records that cannot be decoded
	at      time.Time
}

// mostStuck is how many rows there are.
const mostStuck = 500

// stuckAge is how old what is shown may be: all records are read for it.
const stuckAge = 10 * time.Second

// stuckCache keeps what was found for ten seconds, whoever asks.
type stuckCache struct {
	looker *look.Looker
	one    singleflight.Group

	mu   sync.Mutex
	last *stuckData
}

func (c *stuckCache) kept() *stuckData {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last != nil && time.Since(c.last.at) < stuckAge {
		return c.last
	}
	return nil
}

func (c *stuckCache) read(ctx context.Context) (*stuckData, error) {
	made, err, _ := c.one.Do("", func() (any, error) {
		if last := c.kept(); last != nil {
			return last, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), scanTime) // others wait for it too
		defer cancel()
		all, damaged, err := c.looker.Stuck(ctx, "")
		if err != nil {
			return (*stuckData)(nil), err
		}
		shown := all[:min(len(all), mostStuck)]
		last := &stuckData{shown, len(all) - len(shown), damaged, time.Now()}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.last = last
		return last, nil
	})
	data, _ := made.(*stuckData)
	return data, err
}
