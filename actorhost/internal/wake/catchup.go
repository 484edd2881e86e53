package wake

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// At most catchUpAtOnce subscriptions are looked at, and so subscribers called, at a time. Those for which it is not known, or whose
// handler fails, are looked at again, at most maxUnsettled of them, after each of these pauses. The first is for the hosts to notice.
const catchUpAtOnce, maxUnsettled = 64, 4096

var catchUpPauses = [...]time.Duration{
	300 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 32 * time.Second,
	32 * time.Second, 32 * time.Second, 32 * time.Second,
}

// CatchUp calls each durable subscriber that has not heard all that it should, by its own record and by that of the actor that it
// follows. It is for when the log, the index or the records were replaced: then no delivery tells of what the log has lost, or has
// delivered before. It reads a record for each subscription, and two messages for each event of an actor that somebody follows.
// Only who lacks something is woken. It returns how often it has called. The error is the last of a subscriber that was not
// reached: the next event tells it.
func CatchUp(ctx context.Context, config Config) (called int, err error) {
	log, index, err := config.Log.Open(ctx)
	if err != nil {
		return 0, err
	}
	c := catchingUp{config: config, log: log}
	some := index.All(ctx)
	for _, wait := range catchUpPauses {
		if !pause.For(ctx, wait) {
			return c.called, ctx.Err()
		}
		if err := c.round(ctx, some); err != nil {
			return c.called, err
		}
		left := c.unsettled
		c.again = true
		if len(left) == 0 {
			return c.called, nil
		}
		some = func(yield func(store.Subscribed, error) bool) {
			for _, one := range left {
				if !yield(one, nil) {
					return
				}
			}
		}
	}
	return c.called, fmt.Errorf("%d are left, the last: %w", len(c.unsettled), c.failed)
}

// catchingUp is one run of [CatchUp].
type catchingUp struct {
	config Config
	log    *store.Log
	again  bool // it is not the first round

	mu        sync.Mutex
	called    int
	unsettled []store.Subscribed // of the last round
	failed    error              // why the last of them is
}

// errPending is of a subscription to an actor which may be about to append events to the log.
var errPending = errors.New("it is not known whether the log is to have its last event")

// round looks at subscriptions, of which those to one event follow each other. The error is that of the list.
func (c *catchingUp) round(ctx context.Context, some iter.Seq2[store.Subscribed, error]) (err error) {
	c.unsettled = nil
	var calling errgroup.Group
	calling.SetLimit(catchUpAtOnce)
	var topic eventOf
	var newest func() (newestEvent, error)
	for one, listing := range some {
		if err = listing; err != nil {
			break
		}
		if of := (eventOf{one.Source, one.Event}); of != topic || newest == nil {
			topic, newest = of, sync.OnceValues(func() (newestEvent, error) { return c.newest(ctx, of) })
		}
		last := newest
		calling.Go(func() error {
			c.settle(one, c.catchUp(ctx, one, last))
			return nil
		})
	}
	_ = calling.Wait() // it has no errors
	return err
}

// settle notes what became of one.
func (c *catchingUp) settle(one store.Subscribed, err error) {
	if err == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed = fmt.Errorf("%s, which follows %s of %s: %w", one.Subscriber, one.Event, one.Source, err)
	if len(c.unsettled) < maxUnsettled {
		c.unsettled = append(c.unsettled, one)
	}
}

func (c *catchingUp) countCall() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.called++
}

// newestEvent is the last event of a name, by the log or by the record of its actor.
type newestEvent struct {
	position troupe.Position
	sequence uint64 // of the last that is in the log
	lost     bool   // the log has it no more
	pending  bool   // its actor may be about to append it, or others
}

// newest reads the record before the log. So what the record has, the log has not, and nobody is about to append, is lost.
func (c *catchingUp) newest(ctx context.Context, of eventOf) (newestEvent, error) {
	last, pending, err := c.config.Records.LastEvent(ctx, of.source, of.event)
	if err != nil {
		return newestEvent{}, err
	}
	position, sequence, err := c.log.Newest(ctx, of.source, of.event)
	if err != nil {
		return newestEvent{}, err
	}
	if position.Before(last) {
		if pending && c.again { // its host would have sent them by now
			err = c.config.sendLeft(ctx, of.source)
		}
		return newestEvent{position: last, sequence: sequence, lost: !pending, pending: pending}, err
	}
	return newestEvent{position: position, sequence: sequence}, nil
}

// catchUp calls one subscriber, if its record says that it has not heard the newest event.
func (c *catchingUp) catchUp(ctx context.Context, one store.Subscribed, newest func() (newestEvent, error)) error {
	heard, subscribes, err := c.config.Records.Heard(ctx, one)
	if err != nil || !subscribes {
		return err
	}
	last, err := newest()
	switch {
	case err != nil:
		return err
	case !heard.Before(last.position):
		return nil
	case last.pending:
		return errPending
	}
	c.countCall()
	return c.config.notice(ctx, one.Subscriber, wire.Notice{
		Source: one.Source.Tokens(), Event: one.Event, Sequence: last.sequence, Lost: last.lost,
		Last: map[string]wire.Position{one.Event: wire.Position(last.position)},
	})
}
