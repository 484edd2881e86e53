package commit_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/call"
	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/actorhost/internal/figures"
	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/dedup"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// fake is an activation and the store of its record. The test says how each write ends. Every method fails the test if the
// gate calls it under the gate's lock.
type fake struct {
	tb   testingT
	gate commit.Gate
	host commit.Host
	id   troupe.ID

	mu      sync.Mutex
	called  map[string]bool   // the methods that were called
	on      map[string]func() // run by the method of this name
	record  record.Record     // as stored
	items   itemMessages
	asked   []asked  // requested writes, not taken yet
	sent    []string // in order: see Publish, Reply and Refuse
	broken  error    // of Write
	down    error    // of Get, Put and Delete
	noLease bool
	newID   bool // the host has another id by now
	ended   bool

	unchanged []byte
	replies   func(name string) // is told of each reply, if there is one
}

// testingT is implemented by testing.T and rapid.T.
type testingT interface {
	require.TestingT
	Helper()
	Context() context.Context
}

// asked is a requested write.
type asked struct {
	store.Write
	journal bool
}

var (
	_ commit.Actor = (*fake)(nil)
	_ commit.Store = (*fake)(nil)
)

const epoch, owner = 7, "host"

// newFake returns an activation that owns an actor with the state "0".
func newFake(tb testing.TB) *fake {
	tb.Helper()
	f := &fake{tb: tb, id: bustest.NewID(tb, "counter", "a"), called: make(map[string]bool), on: make(map[string]func())}
	f.host = commit.Host{Store: f, Refused: new(atomic.Int64), Logger: slog.New(slog.DiscardHandler), Ctx: tb.Context(), Go: func(do func()) { go do() },
		Now: func() time.Duration { return 0 }, Stored: new(figures.Histogram)}
	f.record = record.Record{Owner: owner, Epoch: epoch, Created: true, State: []byte("0"), Revision: epoch}
	f.unchanged = f.record.State
	f.gate.Open(&f.host, f)
	f.gate.KeepSnapshots()
	f.gate.Claimed(f.record.Revision, f.record.State)
	return f
}

// enter begins each method. It checks that the gate's lock is free: DropCaches needs it.
func (f *fake) enter(method string) {
	var free atomic.Bool
	go func() { f.gate.DropCaches(); free.Store(true) }()
	for range 1 << 20 {
		if free.Load() {
			break
		}
		runtime.Gosched()
	}
	if !free.Load() {
		f.tb.Errorf("%s was called under the gate's lock", method)
	}
	f.mu.Lock()
	f.called[method] = true
	do := f.on[method]
	f.mu.Unlock()
	if do != nil {
		do()
	}
}

// set changes fields while others may read them.
func (f *fake) set(change func(f *fake)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func (f *fake) ID() troupe.ID { f.enter("ID"); return f.id }

func (f *fake) Grown(int64) { f.enter("Grown") }

func (f *fake) Epoch() uint64 { f.enter("Epoch"); return epoch }

func (f *fake) Host() string { f.enter("Host"); return owner }

func (f *fake) Busy() bool { f.enter("Busy"); return false }

func (f *fake) Unchanged() []byte { f.enter("Unchanged"); return f.unchanged }

var errNoLease = errors.New("the host has no lease")

func (f *fake) NoLease() error { f.enter("NoLease"); return errNoLease }

func (f *fake) Lasts() bool {
	f.enter("Lasts")
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.noLease
}

func (f *fake) Valid() bool {
	f.enter("Valid")
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.noLease
}

func (f *fake) Owns() bool {
	f.enter("Owns")
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.newID
}

func (f *fake) End() {
	f.enter("End")
	f.set(func(f *fake) { f.ended = true })
}

func (f *fake) Write(w store.Write, journal bool) error {
	f.enter("Write")
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken == nil {
		f.asked = append(f.asked, asked{w, journal})
	}
	return f.broken
}

func (f *fake) Publish(e *commit.Event) {
	f.enter("Publish")
	f.set(func(f *fake) { f.sent = append(f.sent, fmt.Sprintf("%s %d", e.Event, e.Place.Sequence)) })
}

func (f *fake) Reply(msg wire.Message, _ bool) {
	f.enter("Reply")
	if msg.Subject != "" {
		if f.replies != nil {
			f.replies(msg.Subject)
		}
		f.set(func(f *fake) { f.sent = append(f.sent, msg.Subject+" "+string(msg.Data)) })
	}
}

func (f *fake) Refuse(c call.Call, err *troupe.Error) {
	f.enter("Refuse")
	f.set(func(f *fake) { f.sent = append(f.sent, c.Reply+" "+string(err.Code)) })
}

func (f *fake) Get(context.Context, troupe.ID) (record.Record, error) {
	f.enter("Get")
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.record, f.down
}

func (f *fake) Put(_ context.Context, _ troupe.ID, r record.Record) (uint64, error) {
	f.enter("Put")
	return f.write(&r, r.Revision)
}

func (f *fake) Delete(_ context.Context, _ troupe.ID, last record.Record) error {
	f.enter("Delete")
	_, err := f.write(&record.Record{}, last.Revision)
	return err
}

// write stores a record by compare-and-set.
func (f *fake) write(r *record.Record, expected uint64) (uint64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.down != nil:
		return 0, f.down
	case expected != f.record.Revision:
		return 0, store.ErrConflict
	}
	f.record = *r
	f.record.State = slices.Clone(r.State)
	f.record.Revision = expected + 1
	return f.record.Revision, nil
}

// flight is a write that the gate has handed over.
type flight struct {
	f      *fake
	record record.Record
	done   func(store.Outcome)
}

// take takes the next requested write. It returns nil if the gate has nothing to write after all.
func (f *fake) take() *flight {
	f.tb.Helper()
	f.mu.Lock()
	require.NotEmpty(f.tb, f.asked, "no write was asked for")
	next := f.asked[0]
	f.asked = f.asked[1:]
	f.mu.Unlock()
	r, ok := next.Take(next.journal)
	if !ok {
		return nil
	}
	require.Equal(f.tb, [3]any{owner, uint64(epoch), true}, [3]any{r.Owner, r.Epoch, r.Created})
	return &flight{f, r, next.Done}
}

// land stores the write and does not answer; store answers too.
func (w *flight) land() store.Outcome {
	revision, err := w.f.write(&w.record, w.record.Revision)
	return store.Outcome{Revision: revision, Err: err}
}

func (w *flight) store() { w.done(w.land()) }

// fail answers with an error.
func (w *flight) fail(err error) { w.done(store.Outcome{Err: err}) }

// output answers the call with this name.
func output(name string, events ...*commit.Event) *commit.Output {
	return &commit.Output{
		Events: events,
		Call:   call.Call{Message: call.Message{Reply: name}, Action: "act", ID: dedup.ID{Given: name}},
		Reply:  wire.Message{Subject: name, Data: []byte("done")},
	}
}

// event returns an event to broadcast and the change of the record for it.
func event(name string, durable bool) (*commit.Event, record.Change) {
	e := &commit.Event{Broadcast: record.Broadcast{Event: name, Epoch: epoch, Durable: durable}}
	return e, &e.Broadcast
}

// look passes the output of a turn without changes.
func (f *fake) look(name string) { f.gate.Pass(output(name), &commit.Changes{}) }

// change passes the output of a turn that sets the state to its own name.
func (f *fake) change(name string) { f.gate.Pass(output(name), &commit.Changes{State: []byte(name)}) }

// broadcast does the same as change, with an event.
func (f *fake) broadcast(name, named string, durable bool) {
	e, change := event(named, durable)
	f.gate.Pass(output(name, e), &commit.Changes{State: []byte(name), Parts: []record.Change{change}})
}

// outputs returns what was sent since the last call.
func (f *fake) outputs() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := strings.Join(f.sent, ", ")
	f.sent = nil
	return all
}

// state returns the stored state.
func (f *fake) state() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return string(f.record.State)
}
