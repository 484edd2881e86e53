package store_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

// TestWritesHaveTheirOwnOutcome writes many records over and over, with a sync for each write and without: as batches
// and as single writes. One write in ten expects a wrong revision, and fails alone.
func TestWritesHaveTheirOwnOutcome(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]bus.ServerConfig{"default": {}, "always": {SyncAlways: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config.DataDir = t.TempDir()
			server, err := bus.StartServer(config)
			require.NoError(t, err)
			t.Cleanup(server.Shutdown)
			nc, err := server.Connect(bus.Config{})
			require.NoError(t, err)
			t.Cleanup(nc.Close)
			records := openRecords(t, nc)

			const keys = 300
			last := [keys]record.Record{}
			outcomes := [keys]error{}
			for until, round := time.Now().Add(500*time.Millisecond), 0; time.Now().Before(until); round++ {
				var all sync.WaitGroup
				for i := range keys {
					wrong := round > 0 && i%10 == round%10
					all.Add(1)
					require.NoError(t, records.Write(store.Write{
						ID: bustest.NewID(t, "room", fmt.Sprint(i)),
						Take: func(bool) (record.Record, bool) {
							one := record.Record{Owner: fmt.Sprint("h", round), Created: true, Revision: last[i].Revision}
							if wrong {
								one.Revision--
							}
							return one, true
						},
						Done: func(o store.Outcome) {
							if outcomes[i] = o.Err; o.Err == nil {
								last[i] = record.Record{Owner: fmt.Sprint("h", round), Revision: o.Revision}
							}
							all.Done()
						},
					}))
				}
				all.Wait()
				for i, err := range outcomes {
					if round > 0 && i%10 == round%10 {
						require.ErrorIs(t, err, store.ErrConflict)
					} else {
						require.NoError(t, err)
					}
				}
			}
			for i, want := range last {
				got, err := records.Get(t.Context(), bustest.NewID(t, "room", fmt.Sprint(i)))
				require.NoError(t, err)
				require.Equal(t, want.Owner, got.Owner)
				require.Equal(t, want.Revision, got.Revision)
			}
			require.NoError(t, records.Close())
			require.Error(t, records.Write(store.Write{ID: bustest.NewID(t, "room", "late")}))
		})
	}
}

// TestWritesEndWithTheConnection: a write whose connection is lost does not wait for its timeout.
func TestWritesEndWithTheConnection(t *testing.T) {
	t.Parallel()
	server, err := bus.StartServer(bus.ServerConfig{DataDir: t.TempDir()})
	require.NoError(t, err)
	nc, err := bus.Connect(t.Context(), bus.Config{URL: server.URL()})
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	records := openRecords(t, nc)
	done := make(chan error, 1)
	write := func(before func()) error {
		require.NoError(t, records.Write(store.Write{
			ID:   bustest.NewID(t, "room", "1"),
			Take: func(bool) (record.Record, bool) { before(); return record.Record{Owner: "h1"}, true },
			Done: func(o store.Outcome) { done <- o.Err },
		}))
		select {
		case err := <-done:
			return err
		case <-time.After(4 * time.Second):
			return nil
		}
	}
	require.NoError(t, write(func() {}))
	require.Error(t, write(server.Shutdown))
	require.NoError(t, records.Close())
}
