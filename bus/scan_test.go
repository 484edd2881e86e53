package bus_test

import (
	"context"
	"testing"
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
