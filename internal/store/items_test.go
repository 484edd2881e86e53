package store_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

func itemKey(key string) record.ItemKey { return record.ItemKey{Map: "books", Key: key} }

// writeItem writes a version of an item over a revision, and returns the new one.
func writeItem(t *testing.T, records *store.Records, id troupe.ID, key string, epoch, over uint64, value []byte) (uint64, error) {
	t.Helper()
	done := make(chan store.Outcome, 1)
	item := record.Item{ItemKey: itemKey(key), Version: record.Version{Epoch: epoch, Change: 1}, Value: value, Gone: value == nil}
	require.NoError(t, records.WriteItem(id, record.SentItem{Item: item, Revision: over}, func(o store.Outcome) { done <- o }))
	o := <-done
	return o.Revision, o.Err
}

func TestItemsAreComparedAndSet(t *testing.T) {
	t.Parallel()
	records := openRecords(t, bustest.Connect(t))
	defer records.Close()
	id, neighbour := bustest.NewID(t, "shop", "a"), bustest.NewID(t, "shop", "a", "b")
	none, err := records.Item(t.Context(), id, itemKey("x"))
	require.NoError(t, err)
	require.Equal(t, store.StoredItem{Item: record.Item{ItemKey: itemKey("x"), Gone: true}}, none)
	first, err := writeItem(t, records, id, "x", 5, 0, []byte{1})
	require.NoError(t, err)
	_, err = writeItem(t, records, id, "x", 4, 0, []byte{2})
	require.ErrorIs(t, err, store.ErrConflict)
	_, err = writeItem(t, records, neighbour, "x", 5, 0, []byte{9})
	require.NoError(t, err)
	_, err = writeItem(t, records, id, "y=20z", 5, 0, []byte{3})
	require.NoError(t, err)

	got, err := records.Items(t.Context(), id, itemKey("y=20z"), itemKey("none"), itemKey("x"))
	require.NoError(t, err)
	require.Equal(t, []byte{3}, got[0].Value)
	require.True(t, got[1].Gone)
	require.Equal(t, store.StoredItem{
		Item: record.Item{ItemKey: itemKey("x"), Version: record.Version{Epoch: 5, Change: 1}, Value: []byte{1}}, Revision: first,
	}, got[2])
	keys, err := records.ItemKeys(t.Context(), id, "books")
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"x", "y=20z"}, keys)

	second, err := writeItem(t, records, id, "x", 6, first, nil)
	require.NoError(t, err)
	_, err = writeItem(t, records, id, "x", 5, 0, []byte{1})
	require.ErrorIs(t, err, store.ErrConflict, "what is left of it keeps a late copy away")
	gone, err := records.Item(t.Context(), id, itemKey("x"))
	require.NoError(t, err)
	require.True(t, gone.Gone)
	require.Equal(t, record.Version{Epoch: 6, Change: 1}, gone.Version)
	_, err = writeItem(t, records, id, "x", 7, second, []byte{4})
	require.NoError(t, err)
	for _, err := range records.List(t.Context(), "") {
		require.Fail(t, "an item is no record", err)
	}
}

// TestItemsOfDestroyedActorsGo: all of them, also when there is an actor of the same ID again, whose items stay.
func TestItemsOfDestroyedActorsGo(t *testing.T) {
	t.Parallel()
	records := openRecords(t, bustest.Connect(t))
	defer records.Close()
	id, neighbour := bustest.NewID(t, "shop", "a"), bustest.NewID(t, "shop", "a", "b")
	for _, one := range []troupe.ID{id, neighbour} {
		_, err := records.Put(t.Context(), one, record.Record{Owner: "h", Epoch: 5, Created: true})
		require.NoError(t, err)
		for _, key := range []string{"x", "y", "z"} {
			_, err := writeItem(t, records, one, key, 5, 0, []byte(key))
			require.NoError(t, err)
		}
	}
	lost, err := records.LostItems(t.Context())
	require.NoError(t, err)
	require.Empty(t, lost)
	found, err := records.Get(t.Context(), id)
	require.NoError(t, err)
	require.NoError(t, records.Delete(t.Context(), id, found))
	lost, err = records.LostItems(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[troupe.ID]int{id: 3}, lost)
	late, err := writeItem(t, records, id, "late", 5, 0, []byte{7})
	require.NoError(t, err)

	require.NoError(t, records.ForgetItems(t.Context(), id))
	require.Equal(t, []string{"late"}, itemsOf(t, records, id))
	require.Len(t, itemsOf(t, records, neighbour), 3)

	left, err := records.Get(t.Context(), id)
	require.NoError(t, err)
	_, err = records.Put(t.Context(), id, record.Record{Owner: "h", Epoch: 9, Created: true, Revision: left.Revision})
	require.NoError(t, err)
	_, err = writeItem(t, records, id, "new", 9, 0, []byte{8})
	require.NoError(t, err)
	require.NoError(t, records.ForgetItems(t.Context(), id))
	require.Equal(t, []string{"new"}, itemsOf(t, records, id))
	_, err = writeItem(t, records, id, "late", 5, late, []byte{7})
	require.ErrorIs(t, err, store.ErrConflict)
}

// itemsOf are the keys of the items that there are.
func itemsOf(t *testing.T, records *store.Records, id troupe.ID) (there []string) {
	t.Helper()
	keys, err := records.ItemKeys(t.Context(), id, "books")
	require.NoError(t, err)
	for _, key := range keys {
		item, err := records.Item(t.Context(), id, itemKey(key))
		require.NoError(t, err)
		if !item.Gone {
			there = append(there, key)
		}
	}
	slices.Sort(there)
	return there
}

func TestItemThatCannotBeDecoded(t *testing.T) {
	t.Parallel()
	nc := bustest.Connect(t)
	records := openRecords(t, nc)
	defer records.Close()
	id := bustest.NewID(t, "shop", "a")
	_, err := nc.Request("$KV.troupe-actors._items.shop.a.books.x", []byte("\xc1junk"), time.Second)
	require.NoError(t, err)
	got, err := records.Item(t.Context(), id, itemKey("x"))
	require.NoError(t, err)
	require.ErrorIs(t, got.Err, record.ErrCorrupt)
	require.NotZero(t, got.Revision)
	_, err = writeItem(t, records, id, "x", 5, got.Revision, []byte{1})
	require.NoError(t, err, "it can be overwritten")

	require.NoError(t, store.CheckItem(id, itemKey(strings.Repeat("a", 1000))))
	long, err := troupe.NewID("shop", strings.Repeat("/", 1000))
	require.NoError(t, err)
	require.ErrorContains(t, store.CheckItem(long, itemKey(strings.Repeat("a", 600))), "3500")
}
