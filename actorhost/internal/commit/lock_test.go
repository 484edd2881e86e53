package commit_test

import (
	"maps"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

// TestGateCallsNobodyUnderItsLock has a gate call every method: each checks that the lock is free, see [fake.enter].
func TestGateCallsNobodyUnderItsLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.host.Go = func(do func()) { do() }
		f.broadcast("1", "rang", false)
		f.take().store()
		f.items.down = store.ErrConflict
		f.put("items", "a")
		f.take().store()
		synctest.Wait()
		_, change := event("rang", false)
		f.gate.Pass(output("2"), &commit.Changes{Parts: []record.Change{change}})
		f.take().fail(store.ErrOutcomeUnknown)
		f.change("3")
		f.take().fail(store.ErrConflict)

		gone := newFake(t)
		gone.gate.Destroy(output("4"), &commit.Changes{})

		j := newJournal(t)
		defer j.close()
		a := j.activate("a")
		a.change("5")
		require.Equal(t, "5 done", a.settle())
		a.noLease = true
		a.change("6")
		require.True(t, a.gate.Flush())

		called := make(map[string]bool)
		for _, f := range []*fake{f, gone, a.fake} {
			maps.Copy(called, f.called)
		}
		var all []string
		for _, of := range []reflect.Type{reflect.TypeFor[commit.Actor](), reflect.TypeFor[commit.Store]()} {
			for method := range of.Methods() {
				all = append(all, method.Name)
			}
		}
		require.ElementsMatch(t, all, slices.Collect(maps.Keys(called)))
	})
}
