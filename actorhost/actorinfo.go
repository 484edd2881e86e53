package actorhost

import (
	"strings"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

// runningNow is what the goroutine of the turns of an actor does, or nil.
func (a *activation) runningNow() *wire.RunningTurn {
	if c := a.now.Load(); c != nil {
		r := a.host.runningSince(a.id, c.began)
		r.Kind, r.Name, r.RequestID = c.turn.kind, strings.Clone(c.turn.action), strings.Clone(c.turn.id.String())
		return r
	}
	if since := a.wakes.Load(); since != 0 {
		r := a.host.runningSince(a.id, time.Duration(since))
		r.Kind = wire.TurnWake
		return r
	}
	return nil
}

func (e *env) runningSince(id troupe.ID, began time.Duration) *wire.RunningTurn {
	return &wire.RunningTurn{
		Actor: id.Tokens(), Since: e.clock.Time(began).UnixMilli(), For: (e.clock.Now() - began).Milliseconds(),
	}
}

// info describes the actor to the programs that ask the host about it.
func (a *activation) info() wire.ActorInfo {
	running := a.runningNow()
	a.mu.Lock()
	defer a.mu.Unlock()
	return wire.ActorInfo{Awake: !a.closed, Waiting: a.mailbox.Len(), Running: running, Loop: a.loopInfo()}
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
