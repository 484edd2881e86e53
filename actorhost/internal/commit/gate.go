package commit

import (
	"bytes"
	"log/slog"
	"sync"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/call"
	"github.com/troupe-go/troupe/actorhost/internal/faults"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/dedup"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

// Gate stores what the turns of one activation change, and sends what they want to send. The turns themselves go on: what
// they change while a write is under way is stored by the next one, all together. An actor has one write under way at a
// time.
//
// Its methods are for the goroutine of the turns, but for DropCaches, Holds and Snapshot.
type Gate struct {
	host  *Host
	actor Actor

	mu       sync.Mutex
	asked    bool         // for a write, which will take what there is then
	writing  bool         // it has taken it
	dirty    bool         // there must be one after it
	shared   bool         // the next must not be in the journal alone
	sending  bool         // a goroutine sends what is released
	refusing int8         // goroutines that refuse what was held back
	left     bool         // the activation has ended
	emitted  bool         // the record has durable events in its outbox
	rang     record.Alarm // the last that this activation has heard: its time, and the sequence of the ring
	alarmed  int64        // when the alarm that its schedules name is to have rung, if this activation has set it
	ending   bool         // the record is deleted, if it can be: nothing is written any more
	closed   error        // why the activation can write no more
	moved    signal

	revision  uint64
	size      int64          // of the state that is stored
	state     []byte         // to be written, or written, last; nil at rest
	request   *store.Write   // made with the first
	record    *record.Record // the write that is under way, or nil
	unflushed *unflushed     // nil when the record has all
	parts     *record.Parts  // nil when there are none
	held      *held          // nil when there is nothing
	ends      map[string]end // of the log, by the name of an event; only for who sends
	items     *items         // nil until there is one
	snapshot  *Snapshot      // nil if nobody wants one
}

// Snapshot is a state that is stored, for what reads it beside turns. It does not change: the next stored state is another one.
type Snapshot struct {
	State []byte // nil: none is
}

// held are the outputs that are held back. A gate has one only while it holds something back: most actors of a host do not.
type held struct {
	flying   []Output // wait for the write that is under way
	next     []Output // wait for the one after it
	released []Output // wait only for those before them
	spare    []Output // memory for released
}

// signal is a sync.Cond that is made when somebody waits, as few do.
type signal struct{ cond *sync.Cond }

func (s *signal) wait(mu *sync.Mutex) {
	if s.cond == nil {
		s.cond = sync.NewCond(mu)
	}
	s.cond.Wait()
}

// broadcast wakes all who wait. The caller holds their mutex.
func (s *signal) broadcast() {
	if s.cond != nil {
		s.cond.Broadcast()
	}
}

// Open makes the zero Gate that of an activation.
func (g *Gate) Open(host *Host, actor Actor) { g.host, g.actor = host, actor }

// Restore takes the parts of a record, before the actor is claimed.
func (g *Gate) Restore(parts record.Parts) {
	g.parts = nil
	if !parts.IsZero() {
		parts.Answers().Of(g.actor.ID().Tokens(), g.host.Window)
		g.parts, g.emitted, g.alarmed = &parts, hasEvents(&parts), 0
	}
}

// Fill puts the parts into a record that has its state already.
func (g *Gate) Fill(r *record.Record) {
	if g.parts != nil {
		g.parts.Fill(r)
	}
}

// Claimed is told the revision of the record that claims the actor, and its state.
func (g *Gate) Claimed(revision uint64, state []byte) {
	g.revision, g.state, g.size = revision, state, int64(len(state))
	g.keepSnapshot(state)
}

// keepSnapshot has a state be the one that is stored. The caller holds g.mu, or the actor is not awake yet.
func (g *Gate) keepSnapshot(state []byte) {
	if g.snapshot != nil {
		g.snapshot = &Snapshot{state}
	}
}

// Revision is that of the record.
func (g *Gate) Revision() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.revision
}

// Pass sends an output, now or as soon as what it tells of is stored: what earlier turns have changed, and this one.
func (g *Gate) Pass(o *Output, c *Changes) {
	o.changes = c.Any()
	busy, id := g.actor.Busy(), g.actor.ID()
	var unchanged []byte
	if c.Any() && c.State == nil {
		unchanged = g.actor.Unchanged()
	}
	g.mu.Lock()
	err := g.closed
	if err == nil && g.ending && c.Any() {
		err = errEnding
	}
	if err != nil {
		g.mu.Unlock()
		g.refuse(o, err)
		return
	}
	held := c.Any() || g.asked || g.sending
	if held && o.Reply.Subject != "" {
		o.Reply.Data = bytes.Clone(o.Reply.Data) // its buffer is for the next turn
	}
	if !held || !faults.Gating {
		g.change(o, c, unchanged, id)
		ask := g.ask()
		g.mu.Unlock()
		_ = g.send(o, busy) // nothing durable, which would be a change
		g.write(ask)
		return
	}
	g.change(o, c, unchanged, id)
	h := g.outputs()
	switch {
	case g.dirty:
		h.next = append(h.next, *o)
	case g.writing:
		h.flying = append(h.flying, *o)
	default:
		h.released = append(h.released, *o) // for who sends
	}
	ask := g.ask()
	g.mu.Unlock()
	g.write(ask)
}

// outputs are those that are held back. The caller holds g.mu.
func (g *Gate) outputs() *held {
	if g.held == nil {
		g.held = spareHeld.Get().(*held)
	}
	return g.held
}

var spareHeld = sync.Pool{New: func() any { return new(held) }}

// maxSpare is how many outputs there may be memory for in what gates pass on to each other.
const maxSpare = 256

// holdNothing gives back the memory for outputs, unless it is in use. The caller holds g.mu.
func (g *Gate) holdNothing() {
	h := g.held
	if h == nil || g.asked || g.sending || g.crowd() > 0 {
		return
	}
	g.held = nil
	if cap(h.flying)+cap(h.next)+cap(h.released)+cap(h.spare) <= maxSpare {
		spareHeld.Put(h)
	}
}

// change takes what a turn has changed. The caller holds g.mu.
func (g *Gate) change(o *Output, c *Changes, unchanged []byte, id troupe.ID) {
	if !c.Any() {
		return
	}
	g.dirty, g.shared = true, g.shared || c.Shared
	switch {
	case c.State != nil:
		g.state = c.State
	case g.state == nil:
		g.state = unchanged
	}
	g.apply(c.Parts)
	g.remember(id, &o.Call, dedup.Answer{Output: o.Reply.Data, JSON: o.Call.As == codec.JSON})
}

// apply makes changes of parts. The caller holds g.mu.
func (g *Gate) apply(changes []record.Change) {
	for _, c := range changes {
		c.Apply(g.own())
		g.shared = g.shared || c.Shared()
	}
}

// own are the parts, to be added to. The caller holds g.mu.
func (g *Gate) own() *record.Parts {
	if g.parts == nil {
		g.parts = new(record.Parts)
	}
	return g.parts
}

// Remember keeps the answer to a call for when it comes again. The actor is not claimed yet.
func (g *Gate) Remember(c *call.Call, answer dedup.Answer) { g.remember(g.actor.ID(), c, answer) }

// remember is Remember. The caller holds g.mu, or the actor is not claimed yet.
func (g *Gate) remember(id troupe.ID, c *call.Call, answer dedup.Answer) {
	if faults.Deduping && c.ID.Known() {
		g.own().Remember(id.Tokens(), g.host.Window, c.Identity(), answer)
	}
}

// Find looks for the answer to a call that was made before: see [dedup.Answers.Find].
func (g *Gate) Find(c *call.Call) (dedup.Answer, *troupe.Error, dedup.Verdict) {
	if !c.ID.Known() || !faults.Deduping || g.parts == nil {
		return dedup.Answer{}, nil, dedup.New
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.parts.Answers().Find(c.Identity())
}

// Read calls f with the parts, which may be nil. It must not keep them, nor call anybody.
func (g *Gate) Read(f func(*record.Parts)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f(g.parts)
}

// Grown is how many bytes of the record the parts take after changes, or more. Those that have what room is left do not
// count.
func (g *Gate) Grown(changes []record.Change) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.parts == nil {
		var none record.Parts
		return none.Grown(changes)
	}
	return g.parts.Grown(changes)
}

// RoomForAnswers is how many bytes of the record the answers take, with one more.
func (g *Gate) RoomForAnswers() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.parts.Answers().Size() + dedup.MaxAnswer
}

// Settle waits until all that turns have changed is stored and sent, or cannot be any more and is refused.
func (g *Gate) Settle() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.settle()
}

// settle is Settle. The caller holds g.mu, which is free while it waits.
func (g *Gate) settle() error {
	for g.asked || g.sending || g.refusing > 0 {
		g.moved.wait(&g.mu)
	}
	return g.closed
}

// WaitForRoom waits while too many outputs are held back.
func (g *Gate) WaitForRoom() {
	if g.request == nil { // there has never been a write
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for (g.asked || g.sending) && g.crowd() >= maxOutputs {
		g.moved.wait(&g.mu)
	}
}

// Holds reports whether the answer to one of these calls is held back. It may be called at any time.
func (g *Gate) Holds(wanted func(*call.Call) bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.held == nil {
		return false
	}
	for _, outputs := range [...][]Output{g.held.flying, g.held.next, g.held.released} {
		for i := range outputs {
			if wanted(&outputs[i].Call) {
				return true
			}
		}
	}
	return false
}

// crowd is how many outputs are held back, besides those that are being sent. The caller holds g.mu.
func (g *Gate) crowd() int {
	if g.held == nil {
		return 0
	}
	return len(g.held.flying) + len(g.held.next) + len(g.held.released)
}

// hasEvents reports whether there are durable events, messages or items that may not be in their streams yet.
func hasEvents(p *record.Parts) bool {
	_, events := p.Outbox().First()
	_, messages := p.Pushes().First()
	return events || messages || p.Items().Pending() > 0
}

// DropCaches drops what can be made again, unless it is in use. It may be called at any time.
func (g *Gate) DropCaches() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.asked && !g.sending && g.unflushed == nil && !g.emitted {
		g.state = nil
		g.holdNothing()
		g.items.forget()
		g.parts.Answers().Rest()
	}
	if a := g.parts.Answers(); a != nil && g.host.Tables.crowded() {
		a.Unload()
		g.countTables()
	}
}

// refuse answers the call of an output that is not sent: it had no effect, unless that is not known, or it has called others.
func (g *Gate) refuse(o *Output, err error) {
	if o.Reply.Subject == "" && o.Done == nil {
		return
	}
	failed := errs.Unavailable("%s was not stored: %v", g.actor.ID(), err)
	if !o.changes { // it needs no room
		failed = errs.Unavailable("%s is loaded again: %s", g.actor.ID(), err.Error())
	}
	switch {
	case isUnknown(err):
		// Sent again with its id it takes effect once.
		failed = errs.New(troupe.CodeOutcomeUnknown, "whether %s.%s was stored is not known: %v", g.actor.ID(), o.Call.Action, err)
		failed.Retryable = o.Call.ID.Known()
	case o.Called:
		failed = errs.Called(failed, o.Call.ID.Known())
	}
	if o.Done != nil {
		o.Done(failed)
		return
	}
	g.actor.Refuse(o.Call, failed)
}

// failed logs a fault.
func (g *Gate) failed(what string, err error) {
	g.host.Faults.Failed(what, store.Cause(err), err, g.about()...)
}

// about says in the log which actor it is about.
func (g *Gate) about() []slog.Attr {
	id := g.actor.ID()
	return []slog.Attr{slog.String("actor_type", id.Type()), slog.String("actor_key", id.KeyString()), slog.String("host", g.actor.Host())}
}
