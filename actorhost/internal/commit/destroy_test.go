package commit_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

func TestDestroyWaitsForWhatWasBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.change("1")
		w := f.take()
		f.change("2")
		e, change := event("gone", false)
		go f.gate.Destroy(output("destroy", e), &commit.Changes{Parts: []record.Change{change}})
		synctest.Wait()
		require.Empty(t, f.outputs())
		w.store()
		f.storeAll()
		require.Equal(t, "1 done, 2 done, gone 1, destroy done", f.outputs())
		require.Empty(t, f.state())
	})
}

func TestDestroyFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before func(f *fake)
		code   string
	}{
		"somebody else has written": {func(f *fake) { f.record.Revision++ }, "unavailable"},
		"not answered":              {func(f *fake) { f.down = store.ErrOutcomeUnknown }, "outcome_unknown"},
		"the gate is closed": {func(f *fake) {
			f.change("1")
			f.take().fail(errRefused)
			f.outputs()
		}, "unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			c.before(f)
			f.gate.Destroy(output("destroy"), &commit.Changes{})
			require.Equal(t, "destroy "+c.code, f.outputs())
			require.Equal(t, "0", f.state())
			require.True(t, f.gate.Flush())
			require.Empty(t, f.asked)
		})
	}
}

// TestNothingIsWrittenOfAnActorThatIsDestroyed: a turn that changes it afterwards is refused, and can run anew.
func TestNothingIsWrittenOfAnActorThatIsDestroyed(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.gate.Destroy(output("destroy"), &commit.Changes{})
	require.Empty(t, f.state())
	f.change("change")
	f.look("look")
	require.Equal(t, "destroy done, change unavailable, look done", f.outputs())
	require.NoError(t, f.gate.Settle())
	require.True(t, f.gate.Flush())
	require.Empty(t, f.asked)
}

// TestLastEventsAreKeptBeforeTheRecordGoes: without the record nobody would send them.
func TestLastEventsAreKeptBeforeTheRecordGoes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		gone bool
		code string
	}{
		"and it goes":  {true, "done"},
		"and it stays": {false, "outcome_unknown"}, // the event is out
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, goroutines := newSender(t)
			f.on["Delete"] = func() {
				require.Equal(t, []uint64{1}, f.logged("gone"))
				if !c.gone {
					f.set(func(f *fake) { f.record.Revision++ })
				}
			}
			f.on["Write"] = func() { go func() { f.take().store(); (<-goroutines)() }() }
			e, change := event("gone", true)
			f.gate.Destroy(output("destroy", e), &commit.Changes{Parts: []record.Change{change}})
			require.Equal(t, "destroy "+c.code, f.outputs())
			require.Equal(t, c.gone, f.state() == "")
		})
	}
}
