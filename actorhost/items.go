package actorhost

import (
	"context"
	"log/slog"
	"reflect"
	"slices"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

// itemPage is how many items are read at a time, and maxItemsOfTurn how many bytes of them a turn may set.
const itemPage, maxItemsOfTurn = 256, 256 << 10

// nameOf is the name of a map of the state: that of the field which it is.
func (c *Context) nameOf(m mapField) (string, error) {
	if err := c.refusedBeside("a Map"); err != nil {
		return "", err
	}
	at, state := reflect.ValueOf(m).Pointer(), reflect.ValueOf(c.a.state.pointer()).Elem()
	for _, f := range c.a.kind.maps {
		field, err := state.FieldByIndexErr(f.Index)
		if err == nil && field.Addr().Pointer() == at {
			return f.Name, nil
		}
	}
	return "", errs.New(troupe.CodeInternal, "a Map must be a field of the state of %s, whose turn it is, and not a copy of one", c.a.id)
}

// item returns an item as the turn sees it.
func (c *Context) item(at record.ItemKey) (store.StoredItem, error) {
	if c.hasEnded() {
		return store.StoredItem{}, errs.New(errTurnOver.Code, "reading %s of %s: %s", at.Map, c.a.id, errTurnOver.Message)
	}
	if set, ok := c.setInTurn(at); ok {
		return store.StoredItem{Item: record.Item{ItemKey: at, Value: set.Value, Gone: set.Gone}}, nil
	}
	found, known := c.a.gate.FindItem(at)
	if !known {
		read, err := c.readItems([]record.ItemKey{at})
		if err != nil {
			return store.StoredItem{}, err
		}
		c.a.gate.OwnItems(read, true)
		found = read[0]
	}
	return found, c.corrupt(&found)
}

// corrupt is why an item cannot be decoded.
func (c *Context) corrupt(item *store.StoredItem) error {
	if item.Err == nil {
		return nil
	}
	return errs.New(troupe.CodeStateCorrupt, "%s of %s: %v", item.Map, c.a.id, item.Err)
}

// setInTurn is what the turn has made of an item.
func (c *Context) setInTurn(at record.ItemKey) (record.SetItem, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.effects == nil {
		return record.SetItem{}, false
	}
	return c.effects.items.Find(at)
}

// readItems reads items from the server.
func (c *Context) readItems(keys []record.ItemKey) ([]store.StoredItem, error) {
	if c.turn.readOnly {
		c.a.lend(c)
	}
	read, err := c.a.host.records.Items(c, c.a.id, keys...)
	if err != nil {
		return nil, errs.Unavailable("reading %s of %s: %v", keys[0].Map, c.a.id, err)
	}
	return read, nil
}

// itemsOf returns items as they are without what the turn has made of them.
func (c *Context) itemsOf(keys []record.ItemKey) ([]store.StoredItem, error) {
	found := make([]store.StoredItem, len(keys))
	var unknown []record.ItemKey
	var places []int
	for i, key := range keys {
		item, known := c.a.gate.FindItem(key)
		if found[i] = item; !known {
			unknown, places = append(unknown, key), append(places, i)
		}
	}
	if len(unknown) == 0 {
		return found, nil
	}
	read, err := c.readItems(unknown)
	if err != nil {
		return nil, err
	}
	c.a.gate.OwnItems(read, false)
	for i, item := range read {
		found[places[i]] = item
	}
	return found, nil
}

// asSet is an item of itemsOf as the turn sees it now.
func (c *Context) asSet(item store.StoredItem) (store.StoredItem, error) {
	if c.hasEnded() {
		return item, errs.New(errTurnOver.Code, "reading %s of %s: %s", item.Map, c.a.id, errTurnOver.Message)
	}
	if set, ok := c.setInTurn(item.ItemKey); ok {
		item.Value, item.Gone, item.Err = set.Value, set.Gone, nil
	}
	return item, c.corrupt(&item)
}

// itemKeys are the keys of a map, some of which may have no item.
func (c *Context) itemKeys(name string) (keys []string, err error) {
	has := false
	c.a.gate.Read(func(p *record.Parts) {
		has = p.Items().Since() > 0
		for _, one := range p.Items().All() {
			if one.Map == name {
				keys = append(keys, one.Key)
			}
		}
	})
	c.mu.Lock()
	if c.effects != nil {
		for _, one := range c.effects.items.All() {
			if one.Map == name {
				keys = append(keys, one.Key)
			}
		}
	}
	c.mu.Unlock()
	if has {
		if c.turn.readOnly {
			c.a.lend(c)
		}
		stored, err := c.a.host.records.ItemKeys(c, c.a.id, name)
		if err != nil {
			return nil, errs.Unavailable("%v", err)
		}
		keys = append(keys, stored...)
	}
	slices.Sort(keys)
	return slices.Compact(keys), nil
}

// setItem has an item be set when the turn has succeeded.
func (c *Context) setItem(one record.SetItem) error {
	if err := c.refusedTo("set an item of", one.Map); err != nil {
		return err
	}
	if !c.a.gate.WaitForItems() {
		return errs.Overloaded("%s: the items that it has set before are not stored apart yet", c.a.id)
	}
	found, known := c.a.gate.FindItem(one.ItemKey)
	one.Revision = found.Revision
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return errs.New(errTurnOver.Code, "setting an item of %s of %s: %s", one.Map, c.a.id, errTurnOver.Message)
	}
	e := c.effectsToFill()
	if _, again := e.items.Find(one.ItemKey); one.Gone && known && found.Gone && !again {
		return nil
	}
	if size := e.items.SizeWith(&one); size > maxItemsOfTurn {
		return errs.New(troupe.CodeTooLarge, "%s: the items that the turn sets would have %d bytes, at most %d are possible",
			c.a.id, size, maxItemsOfTurn)
	}
	if e.items == nil {
		e.items = &record.SetItems{Epoch: c.a.epoch}
		e.changes = append(e.changes, e.items)
	}
	e.items.Set(one)
	return nil
}

// forgetItemsTimeout bounds the removal of the items of an actor that is destroyed.
const forgetItemsTimeout = 30 * time.Second

// forgetItems removes the items of an actor that is destroyed. Those that it leaves take room, until "troupe doctor" finds them.
func (a *activation) forgetItems() {
	has := false
	a.gate.Read(func(p *record.Parts) { has = p.Items().Since() > 0 })
	if !has {
		return
	}
	a.host.goroutines.Go(func() {
		ctx, cancel := context.WithTimeout(a.host.ctx, forgetItemsTimeout)
		defer cancel()
		if err := a.host.records.ForgetItems(ctx, a.id); err != nil {
			a.logger("").Warn("removing the items of an actor that is destroyed failed", slog.Any("error", err))
		}
	})
}
