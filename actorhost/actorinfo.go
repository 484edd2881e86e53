package actorhost

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

// turnOn is the turn that runs on a goroutine, or nil.
func (a *activation) turnOn(goroutine uint64) *Context {
	if c := a.now.Load(); c != nil && c.goroutine == goroutine {
		return c
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	c, _ := a.readers.On(goroutine)
	return c
}

// runningOn is what a goroutine does for an actor, or nil.
func (a *activation) runningOn(goroutine uint64) *wire.RunningTurn {
	if c := a.turnOn(goroutine); c != nil {
		return c.running()
	}
	if since := a.wakes.Load(); since != 0 {
		r := a.host.runningSince(a.id, time.Duration(since))
		r.Kind = wire.TurnWake
		return r
	}
	return nil
}

// running describes the turn.
func (c *Context) running() *wire.RunningTurn {
	r := c.a.host.runningSince(c.a.id, c.began)
	r.Kind, r.Name, r.RequestID = c.turn.kind, strings.Clone(c.turn.action), strings.Clone(c.turn.id.String())
	return r
}

// runningNow is what runs of an actor, or nil, and how many read-only actions run beside it: what may change the actor, or else the
// oldest of those.
func (a *activation) runningNow() (first *wire.RunningTurn, others int) {
	a.mu.Lock()
	all := a.readers.All()
	a.mu.Unlock()
	if c := a.now.Load(); c != nil {
		if !c.turn.readOnly {
			return c.running(), len(all)
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return a.runningOn(0), 0 // it wakes
	}
	oldest := slices.MinFunc(all, func(a, b *Context) int { return cmp.Compare(a.began, b.began) })
	return oldest.running(), len(all) - 1
}

func (e *env) runningSince(id troupe.ID, began time.Duration) *wire.RunningTurn {
	return &wire.RunningTurn{
		Actor: id.Tokens(), Since: e.clock.Time(began).UnixMilli(), For: (e.clock.Now() - began).Milliseconds(),
	}
}

// info describes the actor to the programs that ask the host about it.
func (a *activation) info() wire.ActorInfo {
	running, others := a.runningNow()
	a.mu.Lock()
	defer a.mu.Unlock()
	return wire.ActorInfo{Awake: !a.closed, Waiting: a.mailbox.Len(), Running: running, Beside: others, Loop: a.loopInfo(),
		Streams: len(a.streams), Connections: a.connections.len(), Latest: a.latestConnections()}
}

// mostConnections is how many connections of an actor are told of.
const mostConnections = 20

// latestConnections describes the connections that came last.
func (a *activation) latestConnections() (latest []wire.ConnectionInfo) {
	for _, c := range a.connections.latest(mostConnections) {
		latest = append(latest, wire.ConnectionInfo{
			Number: c.number, Since: a.host.clock.Time(c.since).UnixMilli(), From: c.inbox[:max(strings.LastIndexByte(c.inbox, '.'), 0)],
		})
	}
	return latest
}

// loopInfo describes the loop. The caller holds a.mu.
func (a *activation) loopInfo() *wire.LoopInfo {
	b := a.loop
	if b == nil {
		return nil
	}
	info := &wire.LoopInfo{State: wire.LoopRuns}
	last, failed := a.host.setbacks.of(a.id)
	if failed {
		info.Failed, info.Error = last.times, last.why
	}
	switch {
	case b.ended.Load():
		info.State = wire.LoopEnded
	case failed && time.Until(last.until) > 0:
		info.State, info.Until = wire.LoopWaits, last.until.UnixMilli()
	default:
		select {
		case <-b.marked:
		default:
			info.State = wire.LoopStarts
		}
	}
	return info
}
