package commit_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

// itemMessages are the messages of the items of a fake.
type itemMessages struct {
	stored   map[record.ItemKey]store.StoredItem
	sent     []string
	revision uint64
	down     error             // of the next write
	lost     bool              // the next write is stored, and not answered
	before   *store.StoredItem // is stored by somebody else just before the next write
}

// Items implements [commit.Store].
func (f *fake) Items(_ context.Context, _ troupe.ID, keys ...record.ItemKey) ([]store.StoredItem, error) {
	f.enter("Items")
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down != nil {
		return nil, f.down
	}
	found := make([]store.StoredItem, len(keys))
	for i, key := range keys {
		one, ok := f.items.stored[key]
		if !ok {
			one.ItemKey, one.Gone = key, true
		}
		found[i] = one
	}
	return found, nil
}

// WriteItem implements [commit.Store]. It answers later, as the writer does.
func (f *fake) WriteItem(_ troupe.ID, item record.SentItem, done func(store.Outcome)) error {
	f.enter("WriteItem")
	f.mu.Lock()
	o := f.items.write(item)
	f.mu.Unlock()
	go done(o)
	return nil
}

func (m *itemMessages) write(item record.SentItem) (o store.Outcome) {
	m.sent = append(m.sent, fmt.Sprintf("%s=%s", item.Key, item.Value))
	if m.stored == nil {
		m.stored = make(map[record.ItemKey]store.StoredItem)
	}
	if m.before != nil {
		m.put(m.before.Item)
	}
	o.Err, m.down = m.down, nil
	switch {
	case o.Err != nil:
	case m.stored[item.ItemKey].Revision != item.Revision:
		o.Err = store.ErrConflict
	default:
		o.Revision = m.put(item.Item)
	}
	if m.lost {
		o = store.Outcome{Err: store.ErrOutcomeUnknown}
	}
	m.before, m.lost = nil, false
	return o
}

func (m *itemMessages) put(item record.Item) uint64 {
	m.revision++
	m.stored[item.ItemKey] = store.StoredItem{Item: item, Revision: 100 + m.revision}
	return 100 + m.revision
}

func bookKey(key string) record.ItemKey { return record.ItemKey{Map: "books", Key: key} }

// put passes the output of a turn that sets items to its own name.
func (f *fake) put(name string, keys ...string) {
	change := &record.SetItems{Epoch: epoch}
	for _, key := range keys {
		found, _ := f.gate.FindItem(bookKey(key))
		change.Set(record.SetItem{ItemKey: bookKey(key), Value: []byte(name), Revision: found.Revision})
	}
	f.gate.Pass(output(name), &commit.Changes{State: []byte(name), Parts: []record.Change{change}})
}

// messages are the items as their messages have them.
func (f *fake) messages() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for key, one := range f.items.stored {
		all = append(all, key.Key+"="+string(one.Value))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// pending are the items that the stored record has.
func (f *fake) pending(t *testing.T) (keys []string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	parts, err := f.record.Open()
	require.NoError(t, err)
	for _, one := range parts.Items().All() {
		keys = append(keys, one.Key+"="+string(one.Value))
	}
	slices.Sort(keys)
	return keys
}

// TestItemsFollowTheRecord: their messages come after the record that has them, which does without them afterwards.
func TestItemsFollowTheRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.put("1", "a", "b")
		w := f.take()
		synctest.Wait()
		require.Empty(t, f.messages(), "the record is not stored")
		f.put("2", "b", "c")
		w.store()
		synctest.Wait()
		require.Equal(t, "a=1", f.messages(), "of the others the record has later values, which are not stored")
		require.Equal(t, []string{"a=1", "b=1"}, f.pending(t))
		f.take().store()
		synctest.Wait()
		require.Equal(t, "a=1 b=2 c=2", f.messages())
		require.Equal(t, []string{"b=2", "c=2"}, f.pending(t))
		f.change("3")
		f.take().store()
		require.Empty(t, f.pending(t))
		require.Equal(t, "1 done, 2 done, 3 done", f.outputs())
		f.set(func(f *fake) { require.Equal(t, []string{"a=1", "b=2", "c=2"}, f.items.sent) })
	})
}

// TestWhatBecomesOfTheMessageOfAnItem sets an item, and then again.
func TestWhatBecomesOfTheMessageOfAnItem(t *testing.T) {
	t.Parallel()
	other := func(epoch uint64) func(*itemMessages) {
		return func(m *itemMessages) {
			one := record.Item{ItemKey: bookKey("a"), Version: record.Version{Epoch: epoch, Change: 5}, Value: []byte("other")}
			m.before = &store.StoredItem{Item: one}
		}
	}
	for name, test := range map[string]struct {
		end   func(*itemMessages)
		first string // what its message has then
		sent  int    // messages in all
		after time.Duration
	}{
		"it is stored":                 {end: func(*itemMessages) {}, first: "a=1", sent: 2},
		"not answered, and stored":     {end: func(m *itemMessages) { m.lost = true }, first: "a=1", sent: 2},
		"not answered, and not stored": {end: func(m *itemMessages) { m.down = store.ErrOutcomeUnknown }, first: "a=1", sent: 3},
		"there is an older one":        {end: other(epoch - 1), first: "a=1", sent: 3},
		"there is a later one":         {end: other(epoch + 1), first: "a=other", sent: 2},
		"there is no room for a while": {end: func(m *itemMessages) { m.down = store.ErrFull }, first: "a=1", sent: 3, after: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFake(t)
				test.end(&f.items)
				f.put("1", "a")
				f.take().store()
				time.Sleep(test.after) //nolint:forbidigo // virtual time
				synctest.Wait()
				require.Equal(t, test.first, f.messages())
				f.put("2", "a")
				f.take().store()
				synctest.Wait()
				if test.first == "a=1" {
					require.Equal(t, "a=2", f.messages())
				}
				require.Len(t, f.items.sent, test.sent)
				require.Equal(t, "1 done, 2 done", f.outputs(), "nobody waits for it")
			})
		})
	}
}

// TestRecordIsWrittenOnceMoreBeforeSleep, without the items that are in messages of their own.
func TestRecordIsWrittenOnceMoreBeforeSleep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.put("1", "a")
		f.take().store()
		flushed := make(chan bool)
		go func() { flushed <- f.gate.Flush() }()
		synctest.Wait()
		f.take().store()
		require.True(t, <-flushed)
		require.Empty(t, f.pending(t))
		require.True(t, f.gate.Flush(), "and not again")
		require.Empty(t, f.asked)
	})
}

// TestItemsOfARecordAreSent that an earlier activation has left there.
func TestItemsOfARecordAreSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.put("1", "a", "b")
		f.take().land()
		next := newFake(t)
		next.record = f.record
		parts, err := f.record.Open()
		require.NoError(t, err)
		next.gate.Restore(parts)
		next.gate.Claimed(next.record.Revision, next.record.State)
		found, known := next.gate.FindItem(bookKey("a"))
		require.True(t, known)
		require.Equal(t, "1", string(found.Value))
		_, known = next.gate.FindItem(bookKey("z"))
		require.False(t, known)
		next.gate.SendItems()
		synctest.Wait()
		require.Equal(t, "a=1 b=1", next.messages())
		found, known = next.gate.FindItem(bookKey("a"))
		require.True(t, known)
		require.Equal(t, "1", string(found.Value))
		require.NotZero(t, found.Revision)
	})
}

// TestTurnsWaitToSetItemsWhileTooManyAreOnTheirWay, and not for those that cannot be sent.
func TestTurnsWaitToSetItemsWhileTooManyAreOnTheirWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.items.down = store.ErrFull
		f.put(strings.Repeat("1", 40<<10), "a")
		may := make(chan bool, 1)
		go func() { may <- f.gate.WaitForItems() }()
		synctest.Wait()
		require.Empty(t, may)
		f.take().store()
		require.False(t, <-may)
		time.Sleep(2 * time.Second) //nolint:forbidigo // virtual time
		require.True(t, f.gate.WaitForItems())
		require.Len(t, f.items.sent, 2)
	})
}

// TestItemsOfAnEarlierActorAreHidden: what one of the same ID has left, which was destroyed. The next message follows them.
func TestItemsOfAnEarlierActorAreHidden(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.put("1", "a")
		f.take().store()
		left := record.Item{ItemKey: bookKey("z"), Version: record.Version{Epoch: epoch - 1, Change: 1}, Value: []byte("old")}
		own := record.Item{ItemKey: bookKey("b"), Version: record.Version{Epoch: epoch, Change: 1}, Value: []byte("own")}
		read := []store.StoredItem{{Item: left, Revision: 7}, {Item: own, Revision: 8}}
		f.gate.OwnItems(read, true)
		require.True(t, read[0].Gone)
		require.Empty(t, read[0].Value)
		require.False(t, read[1].Gone)
		found, known := f.gate.FindItem(bookKey("z"))
		require.True(t, known)
		require.True(t, found.Gone)
		require.Equal(t, uint64(7), found.Revision)
	})
}
