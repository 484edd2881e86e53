package store_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

func TestHistory(t *testing.T) {
	t.Parallel()
	records := openRecords(t, bustest.Connect(t))
	id := bustest.NewID(t, "room", "a b")
	history := func() (owners []string) {
		t.Helper()
		for kept, err := range records.History(t.Context(), id) {
			require.NoError(t, err)
			require.Equal(t, id, kept.ID)
			require.NotZero(t, kept.Modified)
			owners = append(owners, kept.Owner)
		}
		return owners
	}
	var one record.Record
	put := func(owner string) {
		t.Helper()
		one.Owner = owner
		revision, err := records.Put(t.Context(), id, one)
		require.NoError(t, err)
		one.Revision = revision
	}
	require.Empty(t, history())
	put("h1")
	put("h2")
	require.Equal(t, []string{"h2"}, history(), "one revision is kept")
	kept, err := records.Kept(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, kept)

	require.NoError(t, records.Keep(t.Context(), 3))
	kept, err = records.Kept(t.Context())
	require.NoError(t, err)
	require.Equal(t, 3, kept)
	for _, owner := range []string{"h3", "h4", "h5"} {
		put(owner)
	}
	require.Equal(t, []string{"h3", "h4", "h5"}, history())
	found, err := records.Get(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, one.Revision, found.Revision)
	require.NoError(t, records.Keep(t.Context(), 2))
	require.Equal(t, []string{"h4", "h5"}, history())

	require.NoError(t, records.Delete(t.Context(), id, record.Record{Revision: one.Revision}))
	require.Empty(t, history(), "nothing is left of an actor that was destroyed")
	for _, wrong := range []int{-1, 0, store.MaxHistory + 1} {
		require.ErrorContains(t, records.Keep(t.Context(), wrong), "1 to 64 can")
	}
}
