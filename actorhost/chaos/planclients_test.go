//go:build chaos && unix

package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client"
)

const (
	planClients    = 6
	plannersOfEach = 16              // by default
	soonest        = 4 * time.Second // so far off is what is planned at most
	anchored       = time.Hour       // what must not run in a test, and has alarms be moved
	betweenPlans   = 300 * time.Millisecond
	ticking        = "tick"
	anchor         = "anchor"
)

// schemer is a client that plans for some planners, of which nobody else does. It makes each call until that is acknowledged.
type schemer struct {
	number   int
	client   *client.Client
	random   *rand.Rand
	ids      *atomic.Int32
	calls    int
	planners []*plannerOf

	mu     sync.Mutex
	faults []string
}

// plannerOf is a planner, as its client knows it.
type plannerOf struct {
	key   string
	life  int
	named map[string]*planned
	plans []*planned
}

func (c *schemer) ref(p *plannerOf) planner { return troupe.GetOrCreate[planner](c.client, p.key) }

// run plans for so many planners until ctx is done, and makes the last call until give is.
func (c *schemer) run(ctx, give context.Context, many int) {
	for i := range many {
		c.planners = append(c.planners, &plannerOf{key: fmt.Sprintf("%d-%d", c.number, i), life: 1, named: map[string]*planned{}})
	}
	for ctx.Err() == nil {
		i := c.random.IntN(len(c.planners))
		p := c.planners[i]
		if i%4 != 0 && p.named[anchor] == nil {
			c.plan(give, p, plan{Name: anchor, After: anchored}, c.random.IntN(2) == 0)
		}
		c.something(give, p, i%4 == 1)
		// Calls come at irregular times, and planners have time to fall asleep.
		sometime(c.random, betweenPlans)
	}
}

// something is what one call is for. Some planners are mortal.
func (c *schemer) something(ctx context.Context, p *plannerOf, mortal bool) {
	after, outside := time.Duration(c.random.Int64N(int64(soonest))).Round(time.Millisecond), c.random.IntN(2) == 0
	name := fmt.Sprint("n", c.random.IntN(3))
	switch c.random.IntN(12) {
	case 0, 1, 2, 3:
		c.plan(ctx, p, plan{After: after, Fails: max(0, c.random.IntN(8)-5)}, outside)
	case 4, 5, 6:
		c.plan(ctx, p, plan{Name: name, After: after}, outside)
	case 7:
		c.cancel(ctx, p, name, outside)
	case 8:
		policies := []troupe.MissedPolicy{troupe.RunOnce, troupe.RunAll, troupe.Skip}
		c.plan(ctx, p, plan{Name: ticking, Every: time.Second, Missed: policies[c.random.IntN(len(policies))]}, outside)
	case 9:
		if mortal {
			c.destroy(ctx, p)
		} else {
			c.cancel(ctx, p, ticking, outside)
		}
	default:
		one, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		_ = c.client.Actor("planner", p.key).Call(one, troupe.SleepAction, nil, nil) // unless it sleeps already
	}
}

// plan schedules something, instead of what has its name.
func (c *schemer) plan(ctx context.Context, p *plannerOf, one plan, outside bool) {
	one.ID, one.Life = c.ids.Add(1), p.life
	made := &planned{plan: one, Actor: p.key, Outside: outside, Began: time.Now().UnixMilli()}
	answer := arranged{}
	if !c.untilAcknowledged(ctx, p, one, func(ctx context.Context) (err error) {
		if outside {
			_, err = one.schedule(troupe.SchedulerOf(ctx, c.ref(p)))
		} else {
			answer, err = arrange.Call(ctx, c.ref(p), one)
		}
		return err
	}) {
		return
	}
	made.Ended = time.Now().UnixMilli()
	p.plans = append(p.plans, made)
	if one.Name != "" {
		p.end(one.Name, "moved", !outside, answer)
		p.named[one.Name] = made
	}
}

// end notes that what has a name is over.
func (p *plannerOf) end(name, how string, told bool, answer arranged) {
	was := p.named[name]
	if was == nil {
		return
	}
	delete(p.named, name)
	was.Over, was.OverEnded, was.Told, was.Found, was.Runs = how, time.Now().UnixMilli(), told, answer.Found, answer.Runs
}

func (c *schemer) cancel(ctx context.Context, p *plannerOf, name string, outside bool) {
	if p.named[name] == nil {
		return
	}
	answer := arranged{}
	if c.untilAcknowledged(ctx, p, plan{Name: name, Cancel: true}, func(ctx context.Context) (err error) {
		if outside {
			answer.Found, err = troupe.SchedulerOf(ctx, c.ref(p)).Unschedule(name)
		} else {
			answer, err = arrange.Call(ctx, c.ref(p), plan{Name: name, Cancel: true})
		}
		return err
	}) {
		p.end(name, "cancelled", true, answer)
	}
}

// destroy begins another life, which has nothing of what was planned in this one.
func (c *schemer) destroy(ctx context.Context, p *plannerOf) {
	if !c.untilAcknowledged(ctx, p, plan{Name: troupe.DestroyAction}, func(ctx context.Context) error {
		err := c.client.Actor("planner", p.key).Call(ctx, troupe.DestroyAction, nil, nil)
		if errors.Is(err, troupe.ErrNotFound) { // it was destroyed, and the answer is lost
			return nil
		}
		return err
	}) {
		return
	}
	for _, one := range p.plans {
		if one.Over == "" {
			one.Over = destroyed
		}
	}
	p.life++
	clear(p.named)
}

// untilAcknowledged makes a call over and over, with the same request id.
func (c *schemer) untilAcknowledged(ctx context.Context, p *plannerOf, what plan, call func(context.Context) error) bool {
	c.calls++
	ctx = troupe.WithRequestID(ctx, fmt.Sprintf("plan-%d.%d", c.number, c.calls))
	var why error
	for ctx.Err() == nil {
		one, cancel := context.WithTimeout(ctx, callTimeout/3)
		err := call(one)
		cancel()
		if err == nil {
			return true
		}
		if ctx.Err() == nil {
			why = err
		}
		sometime(c.random, shortly)
	}
	c.findf("planner %s: %+v was never acknowledged: %v", p.key, what, why)
	return false
}

func (c *schemer) findf(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, fmt.Sprintf(format, args...))
}

// overdue lists, without waking it, what a planner has scheduled that should have run by now.
func (c *schemer) overdue(ctx context.Context, p *plannerOf) (late []string) {
	one, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	all, err := troupe.SchedulerOf(one, c.ref(p)).Schedules()
	if errors.Is(err, troupe.ErrNotFound) {
		return nil
	}
	if err != nil {
		return []string{fmt.Sprintf("planner %s cannot be asked: %v", p.key, err)}
	}
	for _, s := range all {
		ago := time.Since(s.Due)
		switch {
		case s.Parked:
			late = append(late, fmt.Sprintf("planner %s: %s is parked: %s", p.key, s.Name, s.Error))
		case s.Every == 0 && s.Name != anchor && ago > 0, ago > time.Second:
			late = append(late, fmt.Sprintf("planner %s: %s %v was due %v ago, and has not run (%d attempts)", p.key, s.Name, s.Input, ago, s.Attempts))
		case s.Every == 0 && s.Name != anchor:
			late = append(late, "")
		}
	}
	return late
}
