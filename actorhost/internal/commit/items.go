package commit

import (
	"context"
	"errors"

	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

// Items that turns set are a part of the record, which commits them. Once it is stored they get messages of their own, and the
// next record does without them. So a message of an item is always of a value that is committed, whoever sends it and however
// late; and it follows the one before it by compare-and-set, so that a late copy is refused, or overwritten by who owns the
// actor, who knows from the record what is newer.

const (
	// maxItemsKept is how many bytes of items a record keeps before who sets another one waits.
	maxItemsKept = 32 << 10
	// maxKnownItems and maxKnownBytes bound what is known of items in memory. Beyond, all is forgotten, and read again.
	maxKnownItems, maxKnownBytes = 1024, 64 << 10
)

// items is what a gate knows of items besides what the record has of them.
type items struct {
	known  map[record.ItemKey]store.StoredItem
	bytes  int
	doubts []record.ItemKey // it is not known what their messages have, and they are under way
	asking bool             // a goroutine finds out
	later  bool             // a goroutine waits, and sends them again
}

func (m *items) forget() {
	if m != nil {
		m.known, m.bytes = nil, 0
	}
}

// know takes what the message of an item has.
func (m *items) know(item store.StoredItem) {
	size := len(item.Value) + len(item.Key)
	if len(m.known) >= maxKnownItems || m.bytes+size > maxKnownBytes {
		m.forget()
	}
	if m.known == nil {
		m.known = make(map[record.ItemKey]store.StoredItem, 1)
	}
	if before, ok := m.known[item.ItemKey]; ok {
		m.bytes -= len(before.Value) + len(before.Key)
	}
	m.known[item.ItemKey] = item
	m.bytes += size
}

// ownItems are those of the gate. The caller holds g.mu.
func (g *Gate) ownItems() *items {
	if g.items == nil {
		g.items = new(items)
	}
	return g.items
}

// FindItem returns what the actor has under a key, as far as that is known without a read. Any number of goroutines may call it.
func (g *Gate) FindItem(key record.ItemKey) (item store.StoredItem, known bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	item.ItemKey, item.Gone = key, true
	parts := g.parts.Items()
	if parts.Since() == 0 { // the actor has never had any
		return item, true
	}
	if g.items != nil {
		if item, known = g.items.known[key]; !known {
			item.ItemKey, item.Gone = key, true
		}
	}
	if pending, ok := parts.Find(key); ok {
		return store.StoredItem{Item: pending, Revision: item.Revision}, true
	}
	return item, known
}

// OwnItems hides those of items that were read which are of an earlier actor of the same ID. Know says whether to remember them.
func (g *Gate) OwnItems(read []store.StoredItem, know bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range read {
		if g.hideOther(&read[i]); know && read[i].Err == nil {
			g.ownItems().know(read[i])
		}
	}
}

// hideOther hides an item of an earlier actor of the same ID. The caller holds g.mu.
func (g *Gate) hideOther(item *store.StoredItem) {
	if item.Epoch < g.parts.Items().Since() {
		item.Gone, item.Value = true, nil
	}
}

// WaitForItems reports whether a turn may set items: the record does not keep too many already. It waits while it does, and some are
// on their way out of it.
func (g *Gate) WaitForItems() (may bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for {
		crowd := g.parts.Items().Pending() > maxItemsKept
		if !crowd || g.closed != nil || !g.asked && !g.itemsMove() {
			return !crowd
		}
		g.moved.wait(&g.mu)
	}
}

// itemsMove reports whether messages of items are under way, or somebody finds out what has become of them. The caller holds g.mu.
func (g *Gate) itemsMove() bool {
	return g.items != nil && g.items.asking || g.parts.Items().Sending()
}

// landItems waits until no messages of items are under way.
func (g *Gate) landItems() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.closed == nil && (g.asked || g.itemsMove()) {
		g.moved.wait(&g.mu)
	}
}

// SendItems has items of the record sent that an earlier activation has left. The actor is claimed.
func (g *Gate) SendItems() {
	g.mu.Lock()
	sent := g.nextItems()
	g.mu.Unlock()
	g.sendItems(sent)
}

// nextItems returns the items that are to be sent. The caller holds g.mu, and calls sendItems once it has let it go.
func (g *Gate) nextItems() []record.SentItem {
	if g.closed != nil || g.ending || g.left || g.items != nil && g.items.later {
		return nil
	}
	return g.parts.Items().Send()
}

// sendItems sends messages of items, and does not wait.
func (g *Gate) sendItems(sent []record.SentItem) {
	for _, one := range sent {
		if err := g.host.Store.WriteItem(g.actor.ID(), one, func(o store.Outcome) { g.itemSent(&one, o) }); err != nil {
			g.itemSent(&one, store.Outcome{Err: err})
		}
	}
}

// sendItemsFirst sends items before the record is stored, as the harness of package chaos wants it, to see whether it notices. It
// reports whether there are any; then it requests the write later.
func (g *Gate) sendItemsFirst(a ask) bool {
	g.mu.Lock()
	g.parts.Items().Taken()
	g.parts.Items().Stored()
	sent := g.nextItems()
	g.mu.Unlock()
	if len(sent) > 0 {
		g.host.Go(func() {
			g.sendItems(sent)
			g.mu.Lock()
			for g.closed == nil && g.itemsMove() {
				g.moved.wait(&g.mu)
			}
			g.mu.Unlock()
			g.write(a)
		})
	}
	return len(sent) > 0
}

// itemSent is told how a message of an item has ended.
func (g *Gate) itemSent(one *record.SentItem, o store.Outcome) {
	g.mu.Lock()
	ask, wait, grown := false, false, int64(0)
	switch err := o.Err; {
	case err == nil:
		grown = g.itemGrown(one)
		g.itemLanded(store.StoredItem{Item: one.Item, Revision: o.Revision})
	case errors.Is(err, store.ErrConflict), isUnknown(err):
		m := g.ownItems()
		m.doubts = append(m.doubts, one.ItemKey)
		ask, m.asking = !m.asking, true
	default:
		g.parts.Items().NotSent(one.ItemKey)
		wait, g.ownItems().later = !g.ownItems().later, true
	}
	next := g.nextItems()
	g.moved.broadcast()
	g.mu.Unlock()
	if o.Err == nil {
		g.actor.Grown(grown)
		g.host.Faults.Works(spreading)
	}
	if ask {
		g.host.Go(g.settleItems)
	}
	if wait {
		g.failed(spreading, o.Err)
		g.host.Go(g.sendItemsLater)
	}
	g.sendItems(next)
}

// itemGrown is how much more the new message of an item takes than the one before it, as far as that is known. The caller holds g.mu.
func (g *Gate) itemGrown(one *record.SentItem) int64 {
	size := int64(len(one.Value))
	if one.Revision == 0 {
		return size + int64(len(one.Key)) + store.StoredExtra
	}
	if g.items == nil || g.items.known[one.ItemKey].Revision == 0 {
		return 0
	}
	return size - int64(len(g.items.known[one.ItemKey].Value))
}

// itemLanded takes what the message of an item has, which is not under way any more. The caller holds g.mu.
func (g *Gate) itemLanded(item store.StoredItem) {
	g.parts.Items().Landed(item.ItemKey, item.Version, item.Revision)
	if item.Err == nil && !g.left {
		g.hideOther(&item)
		g.ownItems().know(item)
	}
}

// settleItems finds out what the messages of items have of which that is not known.
func (g *Gate) settleItems() {
	for {
		g.mu.Lock()
		m := g.items
		n := min(len(m.doubts), store.ItemPage)
		keys := m.doubts[:n:n]
		if m.doubts = m.doubts[n:]; n == 0 {
			m.doubts, m.asking = nil, false
			g.moved.broadcast()
			g.mu.Unlock()
			return
		}
		g.mu.Unlock()
		ctx, cancel := context.WithTimeout(g.host.Ctx, itemsTimeout)
		found, err := g.host.Store.Items(ctx, g.actor.ID(), keys...)
		cancel()
		wait := false
		g.mu.Lock()
		for _, item := range found {
			g.itemLanded(item)
		}
		if err != nil { // who sends them again finds out
			for _, key := range keys {
				g.parts.Items().NotSent(key)
			}
			wait, m.later = !m.later, true
		}
		next := g.nextItems()
		g.moved.broadcast()
		g.mu.Unlock()
		if wait {
			g.failed(spreading, err)
			g.host.Go(g.sendItemsLater)
		}
		g.sendItems(next)
	}
}

// sendItemsLater sends items again after a pause.
func (g *Gate) sendItemsLater() {
	if !pause.For(g.host.Ctx, itemsAgain) {
		return
	}
	g.mu.Lock()
	g.items.later = false
	next := g.nextItems()
	g.moved.broadcast()
	g.mu.Unlock()
	g.sendItems(next)
}
