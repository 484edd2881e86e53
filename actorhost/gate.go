package actorhost

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/faults"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

// gate holds back what turns want to send until the state that they have seen is stored (the output gate of
// Cloudflare's Durable Objects). The turns themselves go on: what they change while a write is under way is stored by
// the next one, all together. An actor has one write under way at a time.
type gate struct {
	a *activation

	mu      sync.Mutex
	asked   bool     // for a write, which will take what there is then
	writing bool     // it has taken it
	flying  []output // wait for the write that is under way
	next    []output // wait for the one after it
	dirty   bool     // there must be one after it
	apart   bool     // the next is to be of the record, not of the journal
	closed  error    // why the activation can write no more
	moved   signal

	revision uint64
	state    []byte         // to be written, or written, last; nil at rest
	request  *store.Write   // made with the first
	record   *record.Record // the write that is under way, or nil
	behind   *behind        // the record is; nil when it has all
	*memory                 // never nil; to be written to only after own
}

// signal is a sync.Cond that is made when somebody waits, as few do.
type signal struct{ cond *sync.Cond }

func (s *signal) wait(mu *sync.Mutex) {
	if s.cond == nil {
		s.cond = sync.NewCond(mu)
	}
	s.cond.Wait()
}

// Broadcast wakes all who wait. The caller holds their mutex.
func (s *signal) Broadcast() {
	if s.cond != nil {
		s.cond.Broadcast()
	}
}

// output is what one turn wants to send.
type output struct {
	events []*event
	work   work     // the call that it answers; without one there is no reply
	reply  nats.Msg // without a subject nobody waits for it
}

// Beyond this many outputs, no turn starts until some are sent.
const maxOutputs = 1024

var errNoLease, errNoState = errors.New("the host has lost its lease"), errors.New("there is no state to write")

// resolveTimeout bounds how long it is tried to find out whether a write has been stored, destroyTimeout the write that
// destroys an actor. Neither depends on the caller's time.
const resolveTimeout, destroyTimeout = 10 * time.Second, 10 * time.Second

// pass sends an output, now or as soon as what it tells of is stored: that what earlier turns have changed, and this one.
func (g *gate) pass(o *output, t *turned) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if o.reply.Subject != "" && (t.stores() || g.asked || g.outbox.relaying) {
		o.reply.Data = bytes.Clone(o.reply.Data) // its buffer is for the next turn
	}
	if g.closed == nil {
		g.change(o, t)
		o.events = g.place(t.events)
	}
	switch {
	case g.closed != nil:
		g.refuse(o, g.closed)
	case !faults.Gating:
		g.release(g.a.busy(), *o)
	case g.dirty:
		g.next = append(g.next, *o)
	case g.writing:
		g.flying = append(g.flying, *o)
	default:
		g.release(g.a.busy(), *o)
	}
	g.ask()
}

// change takes what a turn has changed. The caller holds g.mu.
func (g *gate) change(o *output, t *turned) {
	if !t.stores() {
		return
	}
	g.dirty = true
	switch {
	case t.state != nil:
		g.state = t.state
	case g.state == nil:
		g.state = g.a.unchanged()
	}
	g.apply(t.changes)
	g.remember(&o.work, o.reply.Data)
}

// ask has the newest state stored, unless that is under way. The caller holds g.mu.
func (g *gate) ask() {
	if g.closed != nil || !g.dirty || g.asked {
		return
	}
	g.asked = true
	if g.request == nil {
		g.request = &store.Write{ID: g.a.id, Take: g.take, Done: g.written}
	}
	write := g.a.session.Journal.Write
	if g.apart {
		write = g.a.host.records.Write
	}
	if err := write(*g.request); err != nil {
		g.close(err, err)
	}
}

// take is told that the write is about to be sent. What turns change from now on is for the next one.
func (g *gate) take(journal bool) (record.Record, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed != nil {
		return record.Record{}, false
	}
	if journal && g.apart {
		g.asked = false
		g.ask()
		return record.Record{}, false
	}
	if faults.Fencing && !g.a.session.Valid() {
		g.close(errNoLease, nil)
		return record.Record{}, false
	}
	if g.state == nil {
		g.close(errNoState, nil)
		return record.Record{}, false
	}
	faults.At(faults.BeforeCommit)
	write := record.Record{Owner: g.a.session.ID, Epoch: g.a.epoch, Created: true, State: g.state, Revision: g.revision}
	g.parts.Fill(&write, g.a.host.records.Fits)
	g.writing, g.dirty, g.apart = true, false, false
	g.flying, g.next = g.next, g.flying[:0]
	g.record = &write
	return write, true
}

// written is told how a write has ended.
func (g *gate) written(o store.Outcome) {
	switch err := o.Err; {
	case err == nil:
	case g.a.host.ctx.Err() != nil: // given up
		g.fail(err, err)
		return
	case !faults.Fencing && errors.Is(err, store.ErrConflict), errors.Is(err, store.ErrOutcomeUnknown):
		g.a.host.work.Go(func() { g.resolve(err) })
		return
	default:
		g.fail(err, err)
		return
	}
	faults.At(faults.AfterCommit)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.note(o.Segment)
	g.revision, g.asked, g.writing, g.record = o.Revision, false, false, nil
	g.release(o.More, g.flying...)
	clear(g.flying)
	g.flying = g.flying[:0]
	g.ask()
	g.moved.Broadcast()
}

// resolve finds out whether a write that was not answered is stored, by making it again: either this one is stored, and
// the first can be no more, or the record tells. Only this activation writes with its epoch, and one write at a time.
func (g *gate) resolve(unknown error) {
	h := g.a.host
	g.mu.Lock()
	if g.record == nil { // the gate was closed meanwhile, and nobody waits for the write
		g.mu.Unlock()
		return
	}
	write := *g.record
	g.mu.Unlock()
	ctx, cancel := context.WithTimeout(h.ctx, resolveTimeout)
	defer cancel()
	for ctx.Err() == nil && (g.a.session.Valid() || !faults.Fencing) {
		found, err := h.records.Get(ctx, g.a.id)
		switch {
		case err != nil:
		case found.Revision != write.Revision && same(found, write):
			g.written(store.Outcome{Revision: found.Revision})
			return
		case found.Revision != write.Revision && faults.Fencing:
			g.fail(unknown, store.ErrConflict)
			return
		default:
			write.Revision = found.Revision // the same, as long as writes are fenced
			if revision, err := h.records.Put(ctx, g.a.id, write); err == nil {
				g.written(store.Outcome{Revision: revision})
				return
			}
		}
		if !pause.For(ctx, 20*time.Millisecond) {
			break
		}
	}
	g.fail(unknown, unknown)
}

// fail logs why the state could not be stored, and closes the gate.
func (g *gate) fail(flying, next error) {
	g.a.logger("").Warn("storing the state failed", slog.Any("error", next))
	g.mu.Lock()
	g.close(next, flying)
	g.mu.Unlock()
}

// close ends the activation and refuses all that is held back: what waits for the write that was under way with the
// one error, the rest with the other. The caller holds g.mu.
func (g *gate) close(err, flying error) {
	g.closed, g.asked, g.writing, g.dirty = err, false, false, false
	for i := range g.flying {
		g.refuse(&g.flying[i], flying)
	}
	for i := range g.next {
		g.refuse(&g.next[i], err)
	}
	g.flying, g.next, g.record = nil, nil, nil
	g.moved.Broadcast()
	g.a.end(dropWork)
}

// refuse answers the call of an output that is not sent: it had no effect, unless that is not known.
func (g *gate) refuse(o *output, err error) {
	if o.reply.Subject == "" {
		return
	}
	failed := errs.Unavailable("%s was not stored: %v", g.a.id, err)
	if errors.Is(err, store.ErrOutcomeUnknown) {
		// Sent again with its id it takes effect once.
		failed = &troupe.Error{Code: troupe.CodeOutcomeUnknown, Retryable: o.work.id.Known(),
			Message: "whether " + g.a.id.String() + "." + o.work.action + " was stored is not known"}
	}
	g.a.host.out.refuse(&o.work, failed)
}

// settle waits until all that turns have changed is stored, or cannot be any more.
func (g *gate) settle() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.asked || g.outbox.relaying {
		g.moved.wait(&g.mu)
	}
	return g.closed
}

// uncrowd waits while too many outputs are held back.
func (g *gate) uncrowd() {
	if g.request == nil && g.memory == &nothing {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for (g.asked || g.outbox.relaying) && len(g.flying)+len(g.next)+len(g.outbox.behind) >= maxOutputs {
		g.moved.wait(&g.mu)
	}
}

// destroy removes the actor's record once all that was to be written before is written, and sends o. Durable events are
// kept before, for afterwards there is no record of them.
func (g *gate) destroy(o *output, t *turned) {
	if slices.ContainsFunc(t.events, isDurable) {
		g.pass(&output{}, &turned{events: t.events, changes: t.changes})
		t.events, t.changes = nil, nil
	}
	err := g.settle()
	g.mu.Lock()
	defer g.mu.Unlock()
	if err == nil {
		faults.At(faults.BeforeCommit)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(g.a.host.ctx), destroyTimeout)
		defer cancel()
		err = g.a.host.records.Delete(ctx, g.a.id, g.revision)
	}
	if err == nil {
		g.note(nil)
	}
	if err != nil {
		g.a.logger("").Warn("destroying the actor failed", slog.Any("error", err))
		g.refuse(o, err)
		return
	}
	faults.At(faults.AfterCommit)
	g.apply(t.changes)
	o.events = g.place(t.events)
	g.release(false, *o)
}
