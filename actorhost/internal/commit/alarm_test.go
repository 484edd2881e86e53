package commit_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/faultlog"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// TestRingTakesNewerAlarmsAway has another alarm ring while one is set. The server removes all that the actor had with a ring, so
// that one is set again.
func TestRingTakesNewerAlarmsAway(t *testing.T) {
	t.Parallel()
	nc := bustest.Connect(t)
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	records, err := store.OpenRecords(t.Context(), nc, ns, store.Settings{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, records.Close()) })
	alarms := store.NewAlarms(nc, ns, records, store.Settings{})
	require.NoError(t, alarms.Open(t.Context()))
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	stream, err := js.Stream(t.Context(), store.AlarmsName(ns))
	require.NoError(t, err)

	f := newFake(t)
	f.host.Alarms, f.host.Faults = alarms, new(faultlog.Log)
	f.change("0")
	f.take().store()
	asked := 0
	f.on["ID"] = func() { // for the turn, and then whenever an alarm is about to be set
		switch asked++; asked {
		case 2:
			f.gate.Rang(record.Alarm{At: 1, Sequence: 1000})
		case 3:
			require.NoError(t, stream.Purge(t.Context()), "as the ring does")
		}
	}
	later := record.Scheduled{Name: "later", Action: "act", Due: alarms.Now().Add(time.Hour).UnixMilli()}
	f.gate.Pass(output("1"), &commit.Changes{State: []byte("1"), Parts: []record.Change{record.PutSchedule{Scheduled: later}}})
	var written *flight
	require.Eventually(t, func() bool {
		f.mu.Lock()
		asked := len(f.asked)
		f.mu.Unlock()
		if asked > 0 {
			written = f.take()
		}
		return written != nil
	}, 10*time.Second, time.Millisecond)
	parts, err := written.record.Open()
	require.NoError(t, err)
	stands, err := stream.GetLastMsgForSubject(t.Context(), ns.Alarm(f.id))
	require.NoError(t, err)
	require.Equal(t, record.Alarm{At: later.Due, Sequence: stands.Sequence}, parts.Schedules().Alarm)
	require.Equal(t, "1", string(written.record.State))
	written.store()
	require.Equal(t, "0 done, 1 done", f.outputs())
	require.Equal(t, 3, asked)
}
