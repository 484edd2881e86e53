package record

// SetItems is the change of a turn that sets and deletes items.
type SetItems struct {
	Epoch uint64 // of the turn
	items []SetItem
	at    map[ItemKey]int
	size  int64
}

// SetItem is an item that is set, or deleted.
type SetItem struct {
	ItemKey
	Value    []byte // msgpack
	Gone     bool
	Revision uint64 // of the item's message, if that is known
}

func (s *SetItem) size() int64 {
	item := Item{ItemKey: s.ItemKey, Value: s.Value}
	return item.size()
}

// Set sets an item, whatever the turn has made of it before.
func (c *SetItems) Set(one SetItem) {
	c.size += one.size()
	if i, again := c.at[one.ItemKey]; again {
		c.size -= c.items[i].size()
		one.Revision = max(one.Revision, c.items[i].Revision)
		c.items[i] = one
		return
	}
	if c.at == nil {
		c.at = make(map[ItemKey]int, 1)
	}
	c.at[one.ItemKey] = len(c.items)
	c.items = append(c.items, one)
}

// Find returns what the turn has made of an item.
func (c *SetItems) Find(key ItemKey) (one SetItem, ok bool) {
	if c == nil {
		return SetItem{}, false
	}
	i, ok := c.at[key]
	if ok {
		one = c.items[i]
	}
	return one, ok
}

// All returns what the turn has made of items.
func (c *SetItems) All() []SetItem {
	if c == nil {
		return nil
	}
	return c.items
}

// SizeWith is how many bytes the items take in the record, or more, once another is set.
func (c *SetItems) SizeWith(one *SetItem) int64 {
	if c == nil {
		return one.size()
	}
	size := c.size + one.size()
	if i, again := c.at[one.ItemKey]; again {
		size -= c.items[i].size()
	}
	return size
}

// Added is how many bytes the items take that are set, and not deleted.
func (c *SetItems) Added() (size int64) {
	for i := range c.items {
		if !c.items[i].Gone {
			size += int64(len(c.items[i].Value) + len(c.items[i].Key))
		}
	}
	return size
}

// Size implements [Change].
func (c *SetItems) Size(p *Parts) int64 {
	size, items := c.size, p.Items()
	if items == nil {
		h := held{kind: &itemsPart, Part: &Items{since: 1}}
		return size + h.size()
	}
	for i := range c.items {
		if before := items.pending[c.items[i].ItemKey]; before != nil {
			size -= before.size()
		}
	}
	return size
}

// Shared implements [Change]. Whoever looks for items has the journal brought into the record first.
func (*SetItems) Shared() bool { return false }

// Apply implements [Change].
func (c *SetItems) Apply(p *Parts) {
	items := own[*Items](p, &itemsPart)
	if items.since == 0 {
		items.since = c.Epoch
	}
	if items.last.Epoch != c.Epoch {
		items.last = Version{Epoch: c.Epoch}
	}
	for i := range c.items {
		items.set(&c.items[i])
	}
}

func (i *Items) set(one *SetItem) {
	i.last.Change++
	now := &pendingItem{Item: Item{ItemKey: one.ItemKey, Version: i.last, Value: one.Value, Gone: one.Gone}, revision: one.Revision}
	if before := i.pending[one.ItemKey]; before != nil {
		now.flying, now.revision = before.flying, max(before.revision, one.Revision)
		i.forget(before)
	}
	i.add(now)
	i.fresh = append(i.fresh, now)
}
