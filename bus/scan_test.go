package bus_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/bus"
)

// TestWhatIsNotAnsweredInTimeIsNotNothing has time run out before the answer.
func TestWhatIsNotAnsweredInTimeIsNotNothing(t *testing.T) {
	t.Parallel()
	ns, err := bus.NewNamespace("")
	require.NoError(t, err)
	nc := connect(t)
	log, err := bus.OpenLog(t.Context(), nc, ns, 0, time.Hour)
	require.NoError(t, err)
	subscriptions, err := bus.OpenSubscriptions(t.Context(), nc, ns, 0)
	require.NoError(t, err)
	source := newID(t, "room", "a")

	late, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	_, err = subscriptions.Of(late, source, "said")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	var errs []error
	for _, err := range log.Read(late, source, "", 0, time.Time{}) {
		errs = append(errs, err)
	}
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], context.DeadlineExceeded)
}

// TestEventsAreReadSlowly takes longer over each event than a request for many may take.
func TestEventsAreReadSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, err := bus.StartServer(bus.ServerOptions{Memory: true, InProcessOnly: true})
		require.NoError(t, err)
		defer server.Shutdown()
		nc, err := server.Connect(bus.Options{})
		require.NoError(t, err)
		defer nc.Close()
		ns, err := bus.NewNamespace("")
		require.NoError(t, err)
		log, err := bus.OpenLog(t.Context(), nc, ns, 0, time.Hour)
		require.NoError(t, err)
		source, last := newID(t, "room", "a"), uint64(0)
		for range 3 {
			last, err = log.Append(t.Context(), source, bus.Emitted{Event: "said"}, last)
			require.NoError(t, err)
		}
		read := 0
		for _, err := range log.Read(t.Context(), source, "", 0, time.Time{}) {
			require.NoError(t, err)
			read++
			time.Sleep(10 * time.Second) //nolint:forbidigo // in a synctest bubble
		}
		require.Equal(t, 3, read)
	})
}
