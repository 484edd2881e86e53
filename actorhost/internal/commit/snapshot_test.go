package commit_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/internal/store"
)

func TestSnapshotIsWhatIsStored(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	require.Equal(t, "0", string(f.gate.Snapshot().State))
	f.change("1")
	w := f.take()
	f.change("2")
	require.Equal(t, "0", string(f.gate.Snapshot().State))
	w.store()
	first := f.gate.Snapshot()
	require.Equal(t, "1", string(first.State))
	require.Same(t, first, f.gate.Snapshot())
	f.gate.DropCaches()
	f.take().store()
	f.gate.DropCaches()
	require.Equal(t, "2", string(f.gate.Snapshot().State))
	f.change("3")
	f.take().fail(store.ErrConflict)
	require.Nil(t, f.gate.Snapshot(), "another host has written")
}

func TestThereIsNoSnapshot(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.on["Delete"] = func() { require.Nil(t, f.gate.Snapshot(), "it is being destroyed") }
	require.True(t, f.gate.Destroy(output("1"), &commit.Changes{}))

	var unwanted, fresh commit.Gate
	unwanted.Claimed(1, []byte("0"))
	require.Nil(t, unwanted.Snapshot())
	fresh.KeepSnapshots()
	fresh.Claimed(1, nil)
	require.Nil(t, fresh.Snapshot(), "the actor is only claimed")
}
