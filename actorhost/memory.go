package actorhost

import (
	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/faults"
	"github.com/troupe-go/troupe/internal/dedup"
	"github.com/troupe-go/troupe/internal/record"
)

// memory is what an actor has besides its state. Most actors have none of it, and share [nothing], until their goroutine
// makes them one.
type memory struct {
	parts  record.Parts // of its record
	outbox outbox
}

var nothing memory

// own has the actor remember things of its own. The caller holds g.mu.
func (g *gate) own() {
	if g.memory == &nothing {
		g.memory = new(memory)
	}
}

// apply makes the changes of a turn. The caller holds g.mu.
func (g *gate) apply(changes []record.Change) {
	if len(changes) > 0 {
		g.own()
	}
	for _, c := range changes {
		c.Apply(&g.parts)
		g.apart = g.apart || c.Shared()
	}
}

// remember keeps the answer to a call for when it comes again. The caller holds g.mu, or is the only one there is.
func (g *gate) remember(w *work, answer []byte) {
	if faults.Deduping && w.id.Known() {
		g.own()
		record.Answered{Call: w.call(), Output: answer}.Apply(&g.parts)
	}
}

func (w *work) call() dedup.Call {
	return dedup.Call{ID: w.id, Action: w.action, Input: w.data, Again: w.again}
}

// find looks for the answer to a call that was made before.
func (g *gate) find(w *work) (output []byte, err *troupe.Error, v dedup.Verdict) {
	if !w.id.Known() || !faults.Deduping || g.memory == &nothing {
		return nil, nil, dedup.New
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.parts.Answers().Find(w.call())
}

// cursor is how far the actor has come with the durable events of another, and whether it subscribes to any.
func (g *gate) cursor(source string) (uint64, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.parts.Follows().Cursor(source)
}

// heard is what the actor has heard by a durable subscription, and whether it has that.
func (g *gate) heard(source, event string) (record.Heard, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.parts.Follows().Heard(source, event)
}

// followed is how many actors the actor subscribes to for good.
func (g *gate) followed() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.parts.Follows().Len()
}

// restore takes the parts of a record.
func (g *gate) restore(parts record.Parts) {
	g.memory = &nothing
	if !parts.IsZero() {
		g.memory = &memory{parts: parts}
	}
}

// besides is how many bytes of the record are taken, after changes, by what is neither the state nor the answers, which
// may be dropped.
func (g *gate) besides(changes []record.Change) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.parts.Grown(changes)
}
