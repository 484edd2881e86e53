package actorhost_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// An actor that has nothing scheduled any more has no alarm either: the next schedule needs another one.
func TestAlarmIsSetAgainAfterTheLastHasRung(t *testing.T) {
	for name, first := range map[string]func(t *testing.T, d Logbook){
		"it ran":       func(*testing.T, Logbook) {},
		"it is undone": func(t *testing.T, d Logbook) { t.Helper(); require.True(t, callOf(t, Cancel, d, "first")) },
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T, _ *hosttest.Bus, d Logbook) {
				t.Helper()
				_, err := Plan.Call(t.Context(), d, plan{Text: "first", Name: "first", After: time.Second})
				require.NoError(t, err)
				first(t, d)
				advance(2 * time.Second)
				before := len(entries(t, d))
				_, err = Plan.Call(t.Context(), d, plan{Text: "second", After: 20 * time.Second})
				require.NoError(t, err)
				require.NoError(t, sleepNow(t, d))
				advance(25 * time.Second)
				noted := entries(t, d)
				require.Len(t, noted, before+1)
				require.Less(t, noted[before].At.Sub(noted[before].Due), 100*time.Millisecond)
			})
		})
	}
}

// A turn whose alarm is set, but not its record, leaves one that is earlier than what the record names. When that rings, it is
// gone: the next one must be set.
func TestEarlierAlarmThanTheRecordNames(t *testing.T) {
	virtual(t, func(t *testing.T, b *hosttest.Bus, d Logbook) {
		t.Helper()
		_, err := Plan.Call(t.Context(), d, plan{Text: "later", After: 40 * time.Second})
		require.NoError(t, err)
		require.NoError(t, sleepNow(t, d))
		nc := b.Connect()
		ns, err := wire.NewNamespace("")
		require.NoError(t, err)
		records, err := store.OpenRecords(t.Context(), nc, ns, store.Settings{})
		require.NoError(t, err)
		defer func() { require.NoError(t, records.Close()) }()
		_, err = store.NewAlarms(nc, ns, records, store.Settings{}).SetNow(t.Context(), d.ID(), time.Now().Add(10*time.Second).UnixMilli())
		require.NoError(t, err)
		advance(8 * time.Second)
		require.Empty(t, entries(t, d), "and now it is awake")
		advance(4 * time.Second)
		require.NoError(t, sleepNow(t, d))
		advance(30 * time.Second)
		noted := entries(t, d)
		require.Len(t, noted, 1)
		require.Less(t, noted[0].At.Sub(noted[0].Due), 100*time.Millisecond)
	})
}
