package commit_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// journal is a host's journal, to which every write goes that may, and the records behind it.
type journal struct {
	t *testing.T
	*store.Journal
	records *store.Records
	stream  jetstream.Stream
}

func newJournal(t *testing.T) *journal {
	t.Helper()
	bustest.DropTimers(t)
	nc := bustest.Connect(t)
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	j := &journal{t: t}
	j.records, err = store.OpenRecords(t.Context(), nc, ns, store.Settings{})
	require.NoError(t, err)
	all, err := store.OpenJournals(t.Context(), j.records, ns, store.Settings{}, true)
	require.NoError(t, err)
	j.Journal, err = all.Open(t.Context(), owner)
	require.NoError(t, err)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	j.stream, err = js.Stream(t.Context(), "troupe-journal")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, j.records.Close()) })
	return j
}

// isEmpty waits for as long as the journal needs to be emptied, and reports whether it is: each of its two subjects has
// only a mark.
func (j *journal) isEmpty() bool {
	j.t.Helper()
	<-time.After(10 * time.Second)
	info, err := j.stream.Info(j.t.Context())
	require.NoError(j.t, err)
	return info.State.Msgs == 2
}

// close ends the journal, as a stopping host does.
func (j *journal) close() { require.NoError(j.t, j.Close(j.t.Context())) }

// journaled is a fake with a real journal and a real record.
type journaled struct {
	*fake
	*journal
	late bool // answers to writes are kept in told
	told []func()
}

// activate returns an activation that owns an actor with the state "0".
func (j *journal) activate(key string) *journaled {
	j.t.Helper()
	a := &journaled{fake: newFake(j.t), journal: j}
	a.id = bustest.NewID(j.t, "counter", key)
	a.host.Store = j.records
	claim := a.fake.record
	claim.Revision = 0
	revision, err := j.records.Put(j.t.Context(), a.id, claim)
	require.NoError(j.t, err)
	a.gate.Open(&a.host, a)
	a.gate.Claimed(revision, claim.State)
	return a
}

func (a *journaled) Write(w store.Write, alsoJournal bool) error {
	a.enter("Write")
	if a.late {
		done := w.Done
		w.Done = func(o store.Outcome) { a.told = append(a.told, func() { done(o) }) }
	}
	if alsoJournal {
		return a.Journal.Write(w)
	}
	return a.records.Write(w)
}

// state returns the state in the record.
func (a *journaled) state() string {
	a.t.Helper()
	found, err := a.records.Get(a.t.Context(), a.id)
	require.NoError(a.t, err)
	return string(found.State)
}

// slow deletes a record so slowly that the journal's segment ends meanwhile.
type slow struct{ commit.Store }

func (s slow) Delete(ctx context.Context, id troupe.ID, last record.Record) error {
	<-time.After(4 * time.Second)
	return s.Store.Delete(ctx, id, last)
}

// settle waits until nothing happens any more, and returns what was sent.
func (a *journaled) settle() string {
	synctest.Wait()
	return a.outputs()
}

func TestRecordFollowsTheJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal(t)
		defer j.close()
		a := j.activate("a")
		for _, name := range []string{"1", "2", "3"} {
			a.change(name)
			require.Equal(t, name+" done", a.settle())
		}
		require.Equal(t, "0", a.state())
		require.True(t, j.isEmpty())
		require.Equal(t, "3", a.state())

		a.change("4")
		require.Equal(t, "4 done", a.settle())
		a.gate.DropCaches()
		require.True(t, j.isEmpty())
		require.Equal(t, "4", a.state())

		a.change("5")
		require.Equal(t, "5 done", a.settle())
		a.gate.Pass(output("6"), &commit.Changes{State: []byte("6"), Shared: true})
		require.Equal(t, "6 done", a.settle())
		require.Equal(t, "6", a.state(), "others look for it in the record")
		require.True(t, j.isEmpty())
	})
}

// TestActivationLeavesNothingInTheJournal ends activations whose last change is in the journal alone.
func TestActivationLeavesNothingInTheJournal(t *testing.T) {
	for name, c := range map[string]struct {
		end     func(a *journaled)
		flushed bool
		state   string
		empty   bool
	}{
		"it falls asleep": {func(*journaled) {}, true, "1", true},
		"it is destroyed": {func(a *journaled) { a.gate.Destroy(output("destroy"), &commit.Changes{}) }, true, "", true},
		"it is destroyed as its record is to be written": {func(a *journaled) {
			a.host.Store = slow{a.records}
			a.gate.Destroy(output("destroy"), &commit.Changes{})
			require.Equal(a.t, "destroy done", a.outputs())
		}, true, "", true},
		"it is destroyed by another": {func(a *journaled) {
			found, err := a.records.Get(a.t.Context(), a.id)
			require.NoError(a.t, err)
			require.NoError(a.t, a.records.Delete(a.t.Context(), a.id, found))
		}, true, "", true},
		"the lease is lost": {func(a *journaled) {
			a.noLease = true
			a.change("2")
			require.Equal(a.t, "2 unavailable", a.settle())
		}, true, "1", true},
		"the session is lost": {func(a *journaled) {
			a.noLease, a.newID = true, true
			a.change("2")
			require.Equal(a.t, "2 unavailable", a.settle())
		}, false, "0", false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := newJournal(t)
				defer j.close()
				a := j.activate("a")
				for _, name := range []string{"9", "1"} {
					a.change(name)
					require.Equal(t, name+" done", a.settle())
				}
				c.end(a)
				require.Equal(t, c.flushed, a.gate.Flush())
				require.Equal(t, c.state, a.state())
				require.Equal(t, c.empty, j.isEmpty())
			})
		})
	}
}

// TestSegmentIsLeftByAWriteThatComesLate closes a gate while its write is under way: nobody waits for that any more.
func TestSegmentIsLeftByAWriteThatComesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal(t)
		defer j.close()
		a := j.activate("a")
		ns, err := wire.NewNamespace("")
		require.NoError(t, err)
		a.host.Log = store.NewEventLog(bustest.Connect(t), ns, store.Settings{KeepEvents: time.Hour})
		var durable func()
		a.host.Go = func(do func()) { durable = do }
		a.broadcast("1", "rang", true)
		synctest.Wait()
		a.late = true
		a.change("2")
		synctest.Wait()
		require.Len(t, a.told, 1)
		a.set(func(f *fake) { f.noLease = true })
		durable()
		require.Equal(t, "1 outcome_unknown, 2 outcome_unknown", a.settle())
		a.told[0]()
		require.True(t, a.gate.Flush())
		require.Equal(t, "1", a.state())
		require.True(t, j.isEmpty())
		require.Empty(t, a.outputs())
	})
}

// TestNothingOfManyIsLost has many actors change, rest and end at any time, also while segments end.
func TestNothingOfManyIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal(t)
		defer j.close()
		var turns sync.WaitGroup
		for n := range 50 {
			a := j.activate(fmt.Sprint(n))
			turns.Go(func() {
				for turn := 1; turn <= 50; turn++ {
					a.change(fmt.Sprint(turn))
					if pause := rand.IntN(4); pause > 0 {
						<-time.After(time.Duration(pause) * 50 * time.Millisecond)
					}
				}
				want := "50"
				if n%2 == 0 {
					a.gate.Destroy(output("destroy"), &commit.Changes{})
					want = ""
				}
				if !a.gate.Flush() || a.state() != want {
					t.Errorf("%s has %q: %s", a.id, a.state(), a.outputs())
				}
				if len(a.sent) < 50 {
					t.Errorf("%s: %s", a.id, a.outputs())
				}
			})
		}
		turns.Wait()
		require.True(t, j.isEmpty())
	})
}
