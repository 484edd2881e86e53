package actorhost_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// The records of a host that has died may lag behind its journal: what they say is scheduled is not relied on.
func TestWhatADeadHostHasScheduledIsReadFromItsJournal(t *testing.T) {
	t.Parallel()
	const actors = 200
	b := hosttest.Start(t)
	first := b.Host(logbookType())
	b.Host(logbookType())
	var refs []Logbook
	for i := range actors { // half of them on the first host
		refs = append(refs, logbookOf(b, fmt.Sprint("a", i)))
	}
	each := func(do func(d Logbook) error) {
		t.Helper()
		var all errgroup.Group
		for _, d := range refs {
			all.Go(func() error { return do(d) })
		}
		require.NoError(t, all.Wait())
	}
	schedule := func(after time.Duration) {
		t.Helper()
		each(func(d Logbook) error {
			_, err := Plan.Call(t.Context(), d, plan{Text: after.String(), Name: "it", After: after})
			return err
		})
	}
	schedule(time.Hour)
	for n := 2; n < 6; n++ { // later, so that no alarm is to be set
		schedule(time.Duration(n) * time.Hour)
	}
	require.NotZero(t, journaled(t, b))
	b.Kill(first)
	each(func(d Logbook) error {
		listed, err := troupe.SchedulerOf(t.Context(), d).Schedules()
		if err != nil || len(listed) == 1 && listed[0].Input == "5h0m0s" {
			return err
		}
		return fmt.Errorf("%s: %v", d, listed)
	})
}
