package actorhost

import (
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

// Figures yields what the host tells about itself, for metrics: those of troupe.Figures, of now and since its start. Package
// bus/telemetry takes them. Their number depends on the program alone, not on its actors.
func (h *Host) Figures() iter.Seq[troupe.Figure] {
	return func(yield func(troupe.Figure) bool) {
		y := yielder{yield: yield}
		info, all := h.info(), h.figures()
		for actorType, n := range all.Types {
			y.tell("troupe.actors.awake", float64(n), "troupe.actor.type", actorType)
		}
		oldest := time.Duration(0)
		if all.Oldest != nil {
			oldest = time.Duration(all.Oldest.For) * time.Millisecond
		}
		y.tell("troupe.turn.oldest", oldest.Seconds())
		y.tell("troupe.mailbox.size", float64(all.Mailbox))
		y.tell("troupe.mailbox.calls", float64(all.Waiting))
		for actorType, size := range all.Largest {
			y.tell("troupe.state.largest", float64(size), "troupe.actor.type", actorType)
		}
		y.tell("troupe.store.waits", float64(all.Stored.Count))
		y.tell("troupe.store.wait", all.Stored.Seconds)
		for why, spread := range all.Woken {
			y.tell("troupe.wakes", float64(spread.Count), "troupe.wake", why)
			y.tell("troupe.wake.time", spread.Seconds, "troupe.wake", why)
		}
		for one := range h.client.Figures() {
			y.tell(one.Name, one.Value)
		}
		y.tell("troupe.answers.repeated", float64(all.Repeated))
		y.tell("troupe.leases.lost", float64(all.Lost))
		y.tell("troupe.store.conflicts", float64(all.Conflicts))
		y.tell("troupe.loops.failed", float64(info.Loops))
		y.tell("troupe.loops.waiting", float64(info.SetBack))
		y.tell("troupe.schedules.gave_up", float64(info.GivenUp))
		y.tell("troupe.queues.dead", float64(info.Dead))
		y.tell("troupe.workflows.running", float64(info.Runs))
		y.tell("troupe.workflows.stuck", float64(info.Stuck))
		for i := range all.Turns {
			y.tellTurns(&all.Turns[i])
		}
	}
}

// yielder yields until nobody wants more.
type yielder struct {
	yield func(troupe.Figure) bool
	over  bool
}

func (y *yielder) tell(name string, value float64, labels ...string) {
	if !y.over {
		y.over = !y.yield(troupe.Figure{Name: name, Labels: labels, Value: value})
	}
}

func (y *yielder) tellTurns(f *wire.TurnFigures) {
	about := []string{"troupe.actor.type", f.Type, "troupe.turn.kind", string(f.Kind), "troupe.turn.name", f.Name}
	y.tell("troupe.turns", float64(f.Calls), about...)
	for own, byCode := range map[bool]map[string]int64{false: f.Errors, true: f.Own} {
		for code, n := range byCode {
			y.tell("troupe.errors", float64(n), append(slices.Clip(about),
				"error.type", code, "troupe.error.own", strconv.FormatBool(own))...)
		}
	}
}
