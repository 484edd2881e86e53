package store_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// owner is a host with a journal. owned is one of its actors: a number that grows, with one write at a time.
type owner struct {
	name    string
	nc      *nats.Conn
	records *store.Records
	all     *store.Journals
	journal *store.Journal
	actors  []*owned
}

type owned struct {
	id    troupe.ID
	owner *owner
	turn  sync.Mutex // held while it writes

	mu       sync.Mutex
	number   uint64 // stored
	revision uint64
	segment  *store.Segment
}

// newOwner claims actors, which others may have owned before.
func newOwner(tb testing.TB, connect func() (*nats.Conn, error), name string, actors int) *owner {
	tb.Helper()
	nc, err := connect()
	require.NoError(tb, err)
	ns, err := wire.NewNamespace("")
	require.NoError(tb, err)
	o := &owner{name: name, nc: nc}
	o.records, err = store.OpenRecords(tb.Context(), nc, ns, store.Settings{})
	require.NoError(tb, err)
	o.all, err = store.OpenJournals(tb.Context(), o.records, ns, store.Settings{}, true)
	require.NoError(tb, err)
	o.journal, err = o.all.Open(tb.Context(), name)
	require.NoError(tb, err)
	tb.Cleanup(func() { o.stop(tb) })
	for i := range actors {
		a := &owned{id: bustest.NewID(tb, "number", fmt.Sprint(i)), owner: o}
		found, err := o.records.Get(tb.Context(), a.id)
		require.NoError(tb, err)
		a.number = numberOf(found)
		a.revision, err = o.records.Put(tb.Context(), a.id, o.record(a.number, found.Revision))
		require.NoError(tb, err)
		o.actors = append(o.actors, a)
	}
	return o
}

func numberOf(r record.Record) uint64 {
	if len(r.State) == 0 {
		return 0
	}
	return binary.BigEndian.Uint64(r.State)
}

func (o *owner) record(number, revision uint64) record.Record {
	return record.Record{Owner: o.name, Created: true, State: binary.BigEndian.AppendUint64(nil, number), Revision: revision}
}

// stop ends an owner, cleanly if it still has its connection.
func (o *owner) stop(tb testing.TB) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := o.journal.Close(ctx); !o.nc.IsClosed() {
		require.NoError(tb, err)
	}
	require.NoError(tb, o.records.Close())
	o.nc.Close()
}

// stored returns the number that the owner was told to be stored, and whether only the journal has it. A write of its
// record may be in flight.
func (a *owned) stored() (number uint64, behind bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.number, a.segment != nil
}

// write stores the number, after adding one if it is to grow, in the record or in the journal.
func (a *owned) write(journal func(store.Write) error, grow uint64) error {
	a.turn.Lock()
	defer a.turn.Unlock()
	done := make(chan error, 1)
	err := journal(store.Write{
		ID: a.id,
		Take: func(bool) (record.Record, bool) {
			a.mu.Lock()
			defer a.mu.Unlock()
			return a.owner.record(a.number+grow, a.revision), true
		},
		Done: func(o store.Outcome) {
			a.mu.Lock()
			defer a.mu.Unlock()
			if o.Err == nil {
				a.number += grow
				a.revision = o.Revision
				a.note(o.Segment)
			}
			done <- o.Err
		},
	})
	if err != nil {
		return err
	}
	return <-done
}

func (a *owned) note(segment *store.Segment) {
	switch {
	case segment == nil && a.segment != nil:
		a.segment.Leave()
		a.segment = nil
	case segment == nil:
	case a.segment != nil:
		segment.Leave()
	default:
		if a.segment = segment; !segment.Keep(a.catchUp) {
			go a.catchUp()
		}
	}
}

func (a *owned) catchUp() {
	go func() { _ = a.write(a.owner.records.Write, 0) }() // fails when the connection closes
}

func (a *owned) grow() error { return a.write(a.owner.journal.Write, 1) }

// startServer starts a server, and returns a function that connects to it.
func startServer(t *testing.T) func() (*nats.Conn, error) {
	t.Helper()
	server, err := bus.StartServer(bus.ServerConfig{Memory: true, InProcessOnly: true})
	require.NoError(t, err)
	t.Cleanup(server.Shutdown)
	return func() (*nats.Conn, error) { return server.Connect(bus.Config{}) }
}

// TestNothingInAJournalIsLost has owners come and go, cleanly or not, while their actors grow. The next owner always
// finds what the last one was told to be stored, and at most what it had asked for.
func TestNothingInAJournalIsLost(t *testing.T) {
	t.Parallel()
	const actors, owners = 100, 6
	connect := startServer(t)
	watcher := newOwner(t, connect, "watcher", 0)
	stored, asked := make([]uint64, actors), make([]uint64, actors)
	for n := range owners {
		o := newOwner(t, connect, fmt.Sprint("owner", n), actors)
		for i, a := range o.actors {
			require.GreaterOrEqual(t, a.number, stored[i], "what was stored")
			require.LessOrEqual(t, a.number, asked[i], "what was asked for")
			asked[i] = a.number
		}
		var growing errgroup.Group
		dies, rounds := n%2 == 0, 1+rand.IntN(1000)
		for i, a := range o.actors {
			growing.Go(func() error {
				for round := 0; dies || round < rounds; round++ {
					if dies && i == 0 && round == rounds { // while the others are working
						o.nc.Close()
					}
					asked[i]++
					if err := a.grow(); err != nil {
						return err
					}
				}
				return nil
			})
		}
		require.Equal(t, dies, growing.Wait() != nil)
		for i, a := range o.actors {
			stored[i], _ = a.stored()
		}
		for range 2 { // once, and again before it is forgotten
			require.NoError(t, watcher.all.Recover(t.Context(), o.name))
		}
		if n%3 == 0 {
			require.NoError(t, watcher.all.Forget(t.Context(), o.name))
			require.NoError(t, watcher.all.Recover(t.Context(), o.name))
			require.Zero(t, groups(t, watcher.nc, o.name))
		}
		asked[0]++
		if first := o.actors[0]; first.grow() == nil { // its record was written, and nobody has claimed it yet
			require.False(t, dies)
			number, behind := first.stored()
			require.False(t, behind, "its journal is over")
			stored[0] = number
		}
	}
}

// TestJournalIsEmptied: the changes get into the records without further calls, and the journal is emptied.
func TestJournalIsEmptied(t *testing.T) {
	t.Parallel()
	connect := startServer(t)
	o := newOwner(t, connect, "owner", 50)
	var growing errgroup.Group
	for _, a := range o.actors {
		growing.Go(func() error {
			for range 20 {
				if err := a.grow(); err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, growing.Wait())
	require.NotZero(t, groups(t, o.nc, o.name))
	require.Eventually(t, func() bool { return groups(t, o.nc, o.name) == 0 }, 10*time.Second, 10*time.Millisecond)
	for _, a := range o.actors {
		record, err := o.records.Get(t.Context(), a.id)
		require.NoError(t, err)
		require.Equal(t, uint64(20), numberOf(record))
	}
	require.NoError(t, o.actors[0].grow())
}

// groups counts the messages of a journal that are groups.
func groups(t *testing.T, nc *nats.Conn, owner string) int {
	t.Helper()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	stream, err := js.Stream(t.Context(), "troupe-journal")
	require.NoError(t, err)
	info, err := stream.Info(t.Context())
	require.NoError(t, err)
	n := 0
	for sequence := info.State.FirstSeq; sequence <= info.State.LastSeq; sequence++ {
		msg, err := stream.GetMsg(t.Context(), sequence)
		if err == nil && strings.HasPrefix(msg.Subject, "troupe.journal."+owner+".") && msg.Header.Get("Troupe-Journal") == "" {
			n++
		}
	}
	return n
}

// TestRecoveryLeavesWhatIsNewer: a record that was written or destroyed after its last change in the journal stays as
// it is.
func TestRecoveryLeavesWhatIsNewer(t *testing.T) {
	t.Parallel()
	connect := startServer(t)
	o := newOwner(t, connect, "owner", 3)
	for _, a := range o.actors {
		require.NoError(t, a.grow())
	}
	written, destroyed, behind := o.actors[0], o.actors[1], o.actors[2]
	require.NoError(t, written.write(o.records.Write, 1))
	require.NoError(t, o.records.Delete(t.Context(), destroyed.id, record.Record{Revision: destroyed.revision}))
	o.nc.Close()

	next := newOwner(t, connect, "next", 0)
	require.NoError(t, next.all.Recover(t.Context(), o.name))
	for a, want := range map[*owned]uint64{written: 2, destroyed: 0, behind: 1} {
		found, err := next.records.Get(t.Context(), a.id)
		require.NoError(t, err)
		require.Equal(t, want, numberOf(found), a.id)
		require.Equal(t, a != destroyed, found.Created)
	}
	require.NoError(t, next.all.Forget(t.Context(), o.name))
	require.Zero(t, groups(t, next.nc, o.name))
}

// TestLargeRecordsGoByThemselves: the room in a message is limited.
func TestLargeRecordsGoByThemselves(t *testing.T) {
	t.Parallel()
	o := newOwner(t, startServer(t), "owner", 1)
	a := o.actors[0]
	done := make(chan store.Outcome, 1)
	large := o.record(0, a.revision)
	large.State = make([]byte, o.records.MaxState())
	require.NoError(t, o.journal.Write(store.Write{
		ID:   a.id,
		Take: func(bool) (record.Record, bool) { return large, true },
		Done: func(o store.Outcome) { done <- o },
	}))
	got := <-done
	require.NoError(t, got.Err)
	require.Nil(t, got.Segment)
	found, err := o.records.Get(t.Context(), a.id)
	require.NoError(t, err)
	require.Equal(t, got.Revision, found.Revision)
	require.Len(t, found.State, len(large.State))
}

// TestJournalOutlivesItsServer: the outcome of unacknowledged groups is resolved when the server is back.
func TestJournalOutlivesItsServer(t *testing.T) {
	t.Parallel()
	const restarts, between = 3, 2000
	options := bus.ServerConfig{DataDir: t.TempDir()}
	server, err := bus.StartServer(options)
	require.NoError(t, err)
	t.Cleanup(func() { server.Shutdown() })
	options.Listen = strings.TrimPrefix(server.URL(), "nats://")
	connect := func() (*nats.Conn, error) { return bus.Connect(t.Context(), bus.Config{URL: server.URL()}) }
	o := newOwner(t, connect, "owner", 50)
	var stored atomic.Int64
	var over atomic.Bool
	var growing errgroup.Group
	for _, a := range o.actors {
		growing.Go(func() error {
			for !over.Load() {
				switch err := a.grow(); {
				case err == nil:
					stored.Add(1)
				case errors.Is(err, store.ErrOutcomeUnknown), errors.Is(err, store.ErrConflict):
					return err
				default: // not sent
					runtime.Gosched()
				}
			}
			return nil
		})
	}
	for range restarts {
		enough := stored.Load() + between
		require.Eventually(t, func() bool { return stored.Load() > enough }, 20*time.Second, time.Millisecond)
		server.Shutdown()
		server, err = bus.StartServer(options)
		require.NoError(t, err)
	}
	enough := stored.Load() + between
	require.Eventually(t, func() bool { return stored.Load() > enough }, 20*time.Second, time.Millisecond)
	over.Store(true)
	require.NoError(t, growing.Wait())
	next := newOwner(t, connect, "next", 0)
	require.NoError(t, next.all.Recover(t.Context(), o.name))
	for _, a := range o.actors {
		record, err := next.records.Get(t.Context(), a.id)
		require.NoError(t, err)
		number, _ := a.stored()
		require.Equal(t, number, numberOf(record))
	}
}
