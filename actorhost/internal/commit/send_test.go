package commit_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// newSender returns a fake with a real log of durable events. The test itself runs the gate's goroutines.
func newSender(t *testing.T) (f *fake, goroutines chan func()) {
	t.Helper()
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	f, goroutines = newFake(t), make(chan func(), 10)
	f.host.Log = store.NewEventLog(bustest.Connect(t), ns, store.Settings{KeepEvents: time.Hour})
	f.host.Go = func(do func()) { goroutines <- do }
	return f, goroutines
}

// logged returns the sequence numbers of the events in the log.
func (f *fake) logged(name string) (sequences []uint64) {
	f.tb.Helper()
	log, _, err := f.host.Log.Open(f.tb.Context())
	require.NoError(f.tb, err)
	for one, err := range log.Read(f.tb.Context(), f.id, name, 0, time.Time{}) {
		require.NoError(f.tb, err)
		sequences = append(sequences, one.Place.Sequence)
	}
	return sequences
}

// outbox returns the sequence numbers of the events in the record that may not be in the log yet.
func (f *fake) outbox() (sequences []uint64) {
	f.tb.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	parts, err := f.record.Open()
	require.NoError(f.tb, err)
	for first, ok := parts.Outbox().First(); ok; first, ok = parts.Outbox().First() {
		sequences = append(sequences, first.Position.Sequence)
		parts.Outbox().Kept()
	}
	return sequences
}

// sendLeft has a later activation send what this one has left in the record.
func (f *fake) sendLeft(t *testing.T) {
	t.Helper()
	next := newFake(t)
	next.host.Log = f.host.Log
	parts, err := f.record.Open()
	require.NoError(t, err)
	next.gate.Restore(parts)
	require.NoError(t, next.gate.SendLeft(t.Context()))
}

func TestNothingOvertakesADurableEvent(t *testing.T) {
	t.Parallel()
	f, goroutines := newSender(t)
	f.broadcast("1", "rung", false)
	f.broadcast("2", "rang", true)
	f.broadcast("3", "rang", true)
	first := f.take()
	f.change("4")
	require.Empty(t, f.outbox())
	first.store()
	require.Equal(t, "rung 1, 1 done", f.outputs())
	require.Equal(t, []uint64{1, 2}, f.outbox(), "they are stored before they are in the log")
	require.Empty(t, f.logged("rang"))
	f.take().store()
	f.look("5")
	f.broadcast("6", "rung", false)
	f.take().store()
	require.Empty(t, f.outputs())

	(<-goroutines)()
	require.Equal(t, "2 done, 3 done, 4 done, 5 done, rung 2, 6 done", f.outputs())
	require.Equal(t, []uint64{1, 2}, f.logged("rang"))
	f.sendLeft(t)
	require.Equal(t, []uint64{1, 2}, f.logged("rang"), "the record has them still")
	f.change("7")
	f.take().store()
	require.Empty(t, f.outbox())
	require.Empty(t, goroutines)
}

// TestWhatIsStoredIsSent closes the gate before a stored output is sent: only without the lease it is not.
func TestWhatIsStoredIsSent(t *testing.T) {
	t.Parallel()
	for noLease, code := range map[bool]string{false: "done", true: "outcome_unknown"} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			f, goroutines := newSender(t)
			f.broadcast("1", "rang", true)
			f.take().store()
			f.change("2")
			f.take().fail(store.ErrConflict)
			f.look("3")
			require.Equal(t, "2 unavailable, 3 unavailable", f.outputs())
			f.noLease = noLease
			(<-goroutines)()
			require.Equal(t, "1 "+code, f.outputs())
			require.Equal(t, noLease, len(f.logged("rang")) == 0)
			require.Error(t, f.gate.Settle())
		})
	}
}

// TestEventsStayInOrderWhenOneIsGivenUp stores an event while an earlier one is given up. If it got into the log, the
// earlier one never would.
func TestEventsStayInOrderWhenOneIsGivenUp(t *testing.T) {
	t.Parallel()
	f, goroutines := newSender(t)
	f.broadcast("1", "rang", true)
	f.take().store()
	f.look("2")
	f.broadcast("3", "rang", true)
	second := f.take()
	f.set(func(f *fake) {
		f.noLease = true
		f.on["Refuse"] = func() {
			f.set(func(f *fake) { f.noLease, f.on = false, nil })
			second.store()
		}
	})
	(<-goroutines)()
	close(goroutines)
	for do := range goroutines {
		do()
	}
	require.ErrorContains(t, f.gate.Settle(), "could not be kept")
	require.Empty(t, f.logged("rang"))
	require.Equal(t, "1 outcome_unknown, 2 outcome_unknown, 3 outcome_unknown", f.outputs())
	require.Equal(t, []uint64{1, 2}, f.outbox())
	for range 2 {
		f.sendLeft(t)
		require.Equal(t, []uint64{1, 2}, f.logged("rang"))
	}
}

// What others are told leaves with the events, once what the turn has changed is stored, and not if that cannot be.
func TestWhatOthersAreTold(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct {
		end  func(*flight)
		sent string
	}{
		"stored": {(*flight).store, "one: told, one done, two: told, two done"},
		"failed": {func(w *flight) { w.fail(errRefused) }, "one unavailable, two unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			tell := func(name string, c *commit.Changes) {
				o := output(name)
				o.Told = []func(){func() { f.set(func(f *fake) { f.sent = append(f.sent, name+": told") }) }}
				f.gate.Pass(o, c)
			}
			tell("at once", &commit.Changes{})
			require.Equal(t, "at once: told, at once done", f.outputs())
			tell("one", &commit.Changes{State: []byte("1")})
			w := f.take()
			tell("two", &commit.Changes{}) // it has seen what is not stored yet
			require.Empty(t, f.outputs())
			want.end(w)
			require.Equal(t, want.sent, f.outputs())
		})
	}
}
