package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
)

// The items of the maps of actors are in the bucket of the records, under keys that no record has. So a copy of the stream, or a
// power cut, has both as they were at one moment, and what a record has forgotten is before it in the stream.
//
// What a read finds must not be older than what the record says, so in a cluster the server that leads is asked.

// maxItemSubject is how long the key of an item may be, so that no line becomes too long for a server.
const maxItemSubject = 3500

// CheckItem says that the names of an item are too long together, if so.
func CheckItem(id troupe.ID, key record.ItemKey) error {
	if size := len(itemsPrefix) + len(id.Tokens()) + 1 + len(key.Map) + 1 + len(key.Key); size > maxItemSubject {
		return errs.New(troupe.CodeTooLarge, "the keys of %s and of its item in %s have %d bytes together with their escapes, at most "+
			"%d are possible", id, key.Map, size, maxItemSubject)
	}
	return nil
}

// itemSubject is the key of an item in the bucket.
func itemSubject(id troupe.ID, key record.ItemKey) string {
	return itemsPrefix + id.Tokens() + "." + key.Map + "." + key.Key
}

// parseItem reads the key of an item in the bucket.
func parseItem(subject string) (id troupe.ID, key record.ItemKey, ok bool) {
	rest, ok := strings.CutPrefix(subject, itemsPrefix)
	if !ok {
		return troupe.ID{}, record.ItemKey{}, false
	}
	last := strings.LastIndexByte(rest, '.')
	if last < 0 {
		return troupe.ID{}, record.ItemKey{}, false
	}
	before := strings.LastIndexByte(rest[:last], '.')
	if before < 0 {
		return troupe.ID{}, record.ItemKey{}, false
	}
	id, err := troupe.ParseID(rest[:before])
	key = record.ItemKey{Map: rest[before+1 : last], Key: rest[last+1:]}
	return id, key, err == nil && key.Check() == nil
}

// StoredItem is an item as its message has it.
type StoredItem struct {
	record.Item
	Revision uint64 // of the message; 0: there is none
	Err      error  // why it cannot be decoded: [record.ErrCorrupt]
}

// Item reads an item. Where there is none it is Gone.
func (r *Records) Item(ctx context.Context, id troupe.ID, key record.ItemKey) (StoredItem, error) {
	msg, err := r.bucket.newest(ctx, r.bucket.prefix+itemSubject(id, key))
	if err != nil {
		return StoredItem{}, fmt.Errorf("reading the item %s of %s: %w", key.Key, id, err)
	}
	return storedItem(id, key, msg), nil
}

func storedItem(id troupe.ID, key record.ItemKey, msg *jetstream.RawStreamMsg) StoredItem {
	none := StoredItem{Item: record.Item{ItemKey: key, Gone: true}}
	if msg == nil {
		return none
	}
	none.Revision = msg.Sequence
	if isDeletion(msg.Header) && len(msg.Data) == 0 { // what is left of one that was deleted long ago
		return none
	}
	item, err := record.DecodeItem(key, msg.Data)
	if err != nil {
		none.Err = fmt.Errorf("the item %s of %s: %w", key.Key, id, err)
		return none
	}
	return StoredItem{Item: item, Revision: msg.Sequence}
}

// ItemKeys returns the keys of the items of a map, in no particular order, those too that are another actor's from before this
// one was created, or that are gone.
func (r *Records) ItemKeys(ctx context.Context, id troupe.ID, name string) ([]string, error) {
	prefix := r.bucket.prefix + itemsPrefix + id.Tokens() + "." + name + "."
	subjects, err := r.bucket.allSubjects(ctx, prefix+"*")
	if err != nil {
		return nil, fmt.Errorf("listing the items %s of %s: %w", name, id, err)
	}
	for i, subject := range subjects {
		subjects[i] = strings.TrimPrefix(subject, prefix)
	}
	return subjects, nil
}

// itemsAtOnce is how many items are asked for at a time where each is asked for by itself.
const itemsAtOnce = 64

// ItemPage is how many items [Records.Items] reads at most.
const ItemPage = pageSubjects

// Items reads items, in the order of the keys: see [Records.Item].
func (r *Records) Items(ctx context.Context, id troupe.ID, keys ...record.ItemKey) ([]StoredItem, error) {
	if len(keys) == 1 || r.bucket.stream.CachedInfo().Config.Replicas > 1 {
		return r.itemsByOne(ctx, id, keys)
	}
	subjects := make([]string, len(keys))
	for i, key := range keys {
		subjects[i] = r.bucket.prefix + itemSubject(id, key)
	}
	found := make(map[string]*jetstream.RawStreamMsg, len(keys))
	for page := range pages(subjects) {
		messages, err := r.bucket.lastOfAll(ctx, page)
		if err != nil {
			return nil, fmt.Errorf("reading items of %s: %w", id, err)
		}
		for _, msg := range messages {
			found[msg.Subject] = msg
		}
	}
	items := make([]StoredItem, len(keys))
	for i, key := range keys {
		items[i] = storedItem(id, key, found[subjects[i]])
	}
	return items, nil
}

// itemsByOne is Items for one, and where copies of the stream may lag.
func (r *Records) itemsByOne(ctx context.Context, id troupe.ID, keys []record.ItemKey) ([]StoredItem, error) {
	items := make([]StoredItem, len(keys))
	if len(keys) == 1 {
		var err error
		items[0], err = r.Item(ctx, id, keys[0])
		return items, err
	}
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(itemsAtOnce)
	for i, key := range keys {
		all.Go(func() (err error) {
			items[i], err = r.Item(ctx, id, key)
			return err
		})
	}
	return items, all.Wait()
}

// WriteItem queues the message of an item, and does not wait: see [Records.Write]. It follows the message of a revision. What is
// left of one that is gone keeps late copies of earlier messages away for an hour.
func (r *Records) WriteItem(id troupe.ID, item record.SentItem, done func(Outcome)) error {
	key := itemSubject(id, item.ItemKey)
	one := &otherWrite{key: key, expected: item.Revision, append: item.AppendValue}
	if item.Gone {
		one.header = r.bucket.deletion(key).Header
		one.header.Set(jetstream.MsgTTLHeader, destroyedTTL.String())
	}
	return r.Write(Write{ID: id, Done: done, other: one})
}
