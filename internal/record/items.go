package record

import (
	"fmt"
	"slices"

	"github.com/troupe-go/troupe/codec"
)

var itemsPart = kind{name: "items", make: func() Part { return new(Items) }, feature: "items"}

// Items are the items of an actor's maps that may not be in messages of their own yet. The record decides what an item is: its
// message comes after the record that has it, and the record forgets it after the message is stored.
type Items struct {
	since   uint64
	pending map[ItemKey]*pendingItem
	size    int64   // of what is pending, in bytes
	last    Version // of the changes that were made

	// Those that are pending, and some that are no more, by how far they have come.
	fresh, taken, stored []*pendingItem
	flying               int // messages under way
}

type pendingItem struct {
	Item
	revision uint64 // of the message that it follows, as far as that is known
	stored   bool   // a write that has it is acknowledged
	flying   bool   // a message with it, or with an earlier version, is under way
}

// Items returns what the record knows of items, or nil.
func (p *Parts) Items() *Items { return get[*Items](p, &itemsPart) }

// Since is the first epoch in which the actor had items: those of earlier ones are another's, which was destroyed.
func (i *Items) Since() uint64 {
	if i == nil {
		return 0
	}
	return i.since
}

// Find returns an item that is pending.
func (i *Items) Find(key ItemKey) (Item, bool) {
	if i != nil {
		if p := i.pending[key]; p != nil {
			return p.Item, true
		}
	}
	return Item{}, false
}

// All returns the items that are pending, in no particular order.
func (i *Items) All() (items []Item) {
	if i != nil {
		for _, p := range i.pending {
			items = append(items, p.Item)
		}
	}
	return items
}

// Pending is how many bytes those take that are pending, or more.
func (i *Items) Pending() int64 {
	if i == nil {
		return 0
	}
	return i.size
}

// Taken is told that a write has taken what is pending.
func (i *Items) Taken() {
	if i != nil {
		i.taken, i.fresh = append(i.taken, i.fresh...), i.fresh[:0]
	}
}

// Stored is told that the write that has taken what was pending is acknowledged.
func (i *Items) Stored() {
	if i != nil {
		for _, p := range i.taken {
			p.stored = true
		}
		i.stored, i.taken = append(i.stored, i.taken...), i.taken[:0]
	}
}

// SentItem is an item for a message of its own, which follows the one of a revision.
type SentItem struct {
	Item
	Revision uint64
}

// Send returns the items that are stored and not under way, which they are from now on, in the order in which they were stored.
func (i *Items) Send() (sent []SentItem) {
	if i == nil || len(i.stored) == 0 {
		return nil
	}
	for _, p := range i.stored {
		if i.pending[p.ItemKey] == p && !p.flying { // else who lands sees to it
			p.flying = true
			i.flying++
			sent = append(sent, SentItem{p.Item, p.revision})
		}
	}
	clear(i.stored)
	i.stored = i.stored[:0]
	return sent
}

// Sending reports whether messages of items are under way.
func (i *Items) Sending() bool { return i != nil && i.flying > 0 }

// Landed is told which version of an item its message has, and the revision of that: none is under way any more. The item is
// forgotten, unless it has a later version by now.
func (i *Items) Landed(key ItemKey, version Version, revision uint64) {
	if p := i.landed(key); p != nil {
		if p.revision = revision; p.Compare(version) <= 0 {
			i.forget(p)
		}
	}
}

// NotSent is told that what was under way of an item is not stored.
func (i *Items) NotSent(key ItemKey) { i.landed(key) }

// landed is an item, if it is pending, of which nothing is under way any more.
func (i *Items) landed(key ItemKey) *pendingItem {
	if i == nil || i.pending[key] == nil || !i.pending[key].flying {
		return nil
	}
	p := i.pending[key]
	p.flying = false
	if i.flying--; p.stored {
		i.stored = append(i.stored, p)
	}
	return p
}

func (i *Items) forget(p *pendingItem) {
	i.size -= p.size()
	delete(i.pending, p.ItemKey)
}

func (i *Items) add(p *pendingItem) {
	if i.pending == nil {
		i.pending = make(map[ItemKey]*pendingItem, 1)
	}
	i.pending[p.ItemKey] = p
	i.size += p.size()
}

// Size implements [Part]. It is never zero again once there was an item.
func (i *Items) Size() int64 {
	if i.since == 0 {
		return 0
	}
	return 1 + 2*2 + 9 + maxHead + i.size
}

// Append implements [Part].
func (i *Items) Append(b []byte) []byte {
	b = codec.AppendMap(b, 2)
	b = codec.AppendUint(codec.AppendString(b, "s"), i.since)
	b = codec.AppendArray(codec.AppendString(b, "p"), len(i.pending))
	var few [8]*pendingItem
	sorted := few[:0]
	for _, p := range i.pending {
		sorted = append(sorted, p)
	}
	slices.SortFunc(sorted, func(a, b *pendingItem) int { return a.Compare(b.Version) })
	for _, p := range sorted {
		b = p.append(b, 5)
		b = codec.AppendString(codec.AppendString(b, "m"), p.Map)
		b = codec.AppendString(codec.AppendString(b, "k"), p.Key)
	}
	return b
}

// Decode implements [Part].
func (i *Items) Decode(value []byte) error {
	var decoded struct {
		Since   uint64 `json:"s"`
		Pending []struct {
			itemValue
			Map string `json:"m"`
			Key string `json:"k"`
		} `json:"p"`
	}
	if err := codec.MsgPack.Unmarshal(value, &decoded); err != nil {
		return err
	}
	if decoded.Since == 0 || decoded.Since > maxNumber {
		return fmt.Errorf("they are of epoch %d", decoded.Since)
	}
	i.since = decoded.Since
	for _, one := range decoded.Pending {
		key := ItemKey{one.Map, one.Key}
		item, err := one.item(key)
		if err == nil {
			err = key.Check()
		}
		switch {
		case err != nil:
			return err
		case item.Epoch < i.since:
			return fmt.Errorf("the item %.40q is of epoch %d, before %d", key.Key, item.Epoch, i.since)
		case i.pending[key] != nil:
			return fmt.Errorf("the item %.40q is there twice", key.Key)
		}
		p := &pendingItem{Item: item, stored: true}
		i.add(p)
		i.stored = append(i.stored, p)
		if i.last.Compare(item.Version) < 0 {
			i.last = item.Version
		}
	}
	return nil
}
