package actorhost

import (
	"errors"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/faults"
	"github.com/troupe-go/troupe/internal/store"
)

// memory is what a record has besides the state. Most actors have none of it, and share [nothing], until their goroutine
// makes them one.
type memory struct {
	answers answers
	follows follows
	outbox  outbox
}

var nothing memory

// own has the actor remember things of its own. The caller holds g.mu.
func (g *gate) own() {
	if g.memory == &nothing {
		g.memory = new(memory)
	}
}

// remember keeps the answer to a call for when it comes again. The caller holds g.mu, or is the only one there is.
func (g *gate) remember(w *work, answer []byte) {
	if faults.Deduping && w.id.known() {
		g.own()
		g.answers.add(w, answer)
	}
}

// number gives events their places. The caller holds g.mu.
func (g *gate) number(events []event) []event {
	if len(events) == 0 {
		return nil
	}
	g.own()
	return g.outbox.take(events, g.a.epoch)
}

// find looks for the answer to a call that was made before: see [answers.find].
func (g *gate) find(w *work) (output []byte, err *troupe.Error, v verdict) {
	if !w.id.known() || !faults.Deduping || g.memory == &nothing {
		return nil, nil, isNew
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.answers.find(w)
}

// cursor is how far the actor has come with the durable events of another, and whether it subscribes to any.
func (g *gate) cursor(source string) (uint64, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.follows.cursor(source)
}

// heard is what the actor has heard by a durable subscription, and whether it has that.
func (g *gate) heard(source, event string) (heard, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.follows.heard(source, event)
}

// followed is how many actors the actor subscribes to for good.
func (g *gate) followed() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.follows.to)
}

// restore takes what a record has besides the state.
func (g *gate) restore(record store.Record) error {
	g.memory = &nothing
	if len(record.Events)+len(record.Outbox)+len(record.Answers)+len(record.Follows) == 0 {
		return nil
	}
	g.own()
	g.outbox.restore(record)
	return errors.Join(g.answers.restore(record.Answers), g.follows.restore(record.Follows))
}

// besides is how many bytes of the record are taken by what is neither the state nor the answers, which may be dropped.
func (g *gate) besides() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.more()
}

func (g *gate) more() int64 { return g.outbox.size + g.follows.size }
