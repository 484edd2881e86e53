package record_test

import (
	"fmt"
	"maps"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/internal/record"
)

// setItems is the change that sets items of a map to values; nil deletes one.
func setItems(epoch uint64, items map[string][]byte) *record.SetItems {
	c := &record.SetItems{Epoch: epoch}
	for key, value := range items {
		c.Set(record.SetItem{ItemKey: record.ItemKey{Map: "m", Key: key}, Value: value, Gone: value == nil})
	}
	return c
}

func itemKey(key string) record.ItemKey { return record.ItemKey{Map: "m", Key: key} }

// again is what the next host finds.
func again(t require.TestingT, p *record.Parts) record.Parts {
	r := record.Record{Owner: "h", Created: true}
	p.Fill(&r)
	decoded, err := record.Decode(r.Append(nil), 1)
	require.NoError(t, err)
	next, err := decoded.Open()
	require.NoError(t, err)
	require.LessOrEqual(t, int64(len(r.Parts)), p.Size()+16, "what it takes is not more than what it says")
	return next
}

// TestItemsLeaveTheRecordWhenTheirMessagesAreStored goes through the life of a change.
func TestItemsLeaveTheRecordWhenTheirMessagesAreStored(t *testing.T) {
	t.Parallel()
	var parts record.Parts
	require.Zero(t, parts.Items().Since())
	setItems(7, map[string][]byte{"a": {1}}).Apply(&parts)
	items := parts.Items()
	require.Empty(t, items.Send(), "it is not stored")
	items.Taken()
	setItems(7, map[string][]byte{"b": {2}}).Apply(&parts)
	items.Stored()
	sent := items.Send()
	require.Len(t, sent, 1)
	require.Equal(t, record.Item{ItemKey: itemKey("a"), Version: record.Version{Epoch: 7, Change: 1}, Value: []byte{1}}, sent[0].Item)
	require.Empty(t, items.Send(), "it is under way")

	setItems(7, map[string][]byte{"a": {3}}).Apply(&parts)
	items.Taken()
	items.Stored()
	sent = items.Send()
	require.Len(t, sent, 1, "one message of an item is under way at a time")
	require.Equal(t, itemKey("b"), sent[0].ItemKey)
	items.Landed(itemKey("a"), record.Version{Epoch: 7, Change: 1}, 40)
	sent = items.Send()
	require.Len(t, sent, 1)
	require.EqualValues(t, 40, sent[0].Revision)
	require.Equal(t, []byte{3}, sent[0].Value)
	require.True(t, items.Sending())
	items.NotSent(itemKey("b"))
	require.Len(t, items.Send(), 1)
	items.Landed(itemKey("a"), record.Version{Epoch: 7, Change: 3}, 41)
	items.Landed(itemKey("b"), record.Version{Epoch: 8, Change: 1}, 42)
	require.Zero(t, items.Pending())
	require.False(t, items.Sending())
	next := again(t, &parts)
	require.EqualValues(t, 7, next.Items().Since(), "an actor that has had items has them")
}

// TestItemsComeBack: what is pending is pending in the next life too, with its versions.
func TestItemsComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var parts record.Parts
		want := make(map[string]record.Item)
		for epoch := range uint64(rapid.IntRange(1, 4).Draw(t, "epochs")) {
			change := &record.SetItems{Epoch: 10 + epoch}
			for range rapid.IntRange(1, 12).Draw(t, "items") {
				key := fmt.Sprint("k", rapid.IntRange(0, 5).Draw(t, "key"))
				value := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "value")
				change.Set(record.SetItem{ItemKey: itemKey(key), Value: value, Gone: rapid.Bool().Draw(t, "gone")})
			}
			grown := parts.Grown([]record.Change{change})
			change.Apply(&parts)
			require.LessOrEqual(t, parts.Size(), grown)
			parts = again(t, &parts)
			for _, one := range parts.Items().All() {
				want[one.Key] = one
			}
			require.EqualValues(t, 10, parts.Items().Since())
		}
		for key, one := range want {
			found, ok := parts.Items().Find(itemKey(key))
			require.True(t, ok)
			require.Equal(t, one, found)
			decoded, err := record.DecodeItem(itemKey(key), one.AppendValue(nil))
			require.NoError(t, err)
			require.Equal(t, one.Version, decoded.Version)
			require.Equal(t, one.Gone, decoded.Gone)
			if !one.Gone {
				require.Equal(t, string(one.Value), string(decoded.Value))
			}
		}
	})
}

func TestCorruptItems(t *testing.T) {
	t.Parallel()
	item := func(change fields) fields {
		one := fields{"m": "m", "k": "a", "e": 5, "n": 1, "v": []byte{1}}
		maps.Copy(one, change)
		return fields{"s": 5, "p": []any{one}}
	}
	for _, test := range []struct {
		value any
		want  string
	}{
		{fields{}, "they are of epoch 0"},
		{fields{"s": uint64(math.MaxUint64)}, "they are of epoch"},
		{[]any{}, "expected a map"},
		{item(fields{"m": "a.b"}), "the map has the name"},
		{item(fields{"k": "a.b"}), "no token"},
		{item(fields{"k": ""}), "no token"},
		{item(fields{"k": "*"}), "no token"},
		{item(fields{"k": "=41"}), "no token"},
		{item(fields{"k": strings.Repeat("a", 2000)}), "no token"},
		{item(fields{"e": 4}), "before 5"},
		{item(fields{"n": 0}), "has the version 0 of epoch 5"},
		{item(fields{"e": uint64(math.MaxUint64)}), "has the version"},
		{item(fields{"v": "text"}), "expected bytes"},
		{fields{"s": 5, "p": []any{item(nil)["p"].([]any)[0], item(nil)["p"].([]any)[0]}}, "there twice"},
	} {
		r, err := record.Decode(encoded(t, fields{"owner": "h", "created": true, "items": test.value}), 1)
		require.NoError(t, err)
		_, err = r.Open()
		require.ErrorIs(t, err, record.ErrCorrupt)
		require.ErrorContains(t, err, test.want)
	}
	r, parts := open(t, encoded(t, fields{"owner": "h", "created": true, "items": item(nil)}), 1)
	parts.Fill(&r)
	require.Equal(t, []string{"items"}, r.Needs)
	for _, junk := range []string{"", "\xc1", "\x80", "\x83\xa1e\x01\xa1n\x00\xa1v\xc4\x00"} {
		_, err := record.DecodeItem(itemKey("a"), []byte(junk))
		require.ErrorIs(t, err, record.ErrCorrupt, "%q", junk)
	}
}
