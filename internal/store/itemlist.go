package store

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/record"
)

// ListItems yields the items of an actor, of one map or of all if the name is empty, by maps and then by keys as they are
// escaped. Of the record, which was read before, those count that have no message of their own yet. One that cannot be decoded has
// an Err. An error ends the list.
func (r *Records) ListItems(ctx context.Context, id troupe.ID, in *record.Items, name string) iter.Seq2[StoredItem, error] {
	return func(yield func(StoredItem, error) bool) {
		if in.Since() == 0 {
			return
		}
		keys, err := r.allItemKeys(ctx, id, in, name)
		if err != nil {
			yield(StoredItem{}, err)
			return
		}
		for page := range slices.Chunk(keys, ItemPage) {
			found, err := r.Items(ctx, id, page...)
			if err != nil {
				yield(StoredItem{}, err)
				return
			}
			for _, one := range found {
				if pending, ok := in.Find(one.ItemKey); ok && one.Compare(pending.Version) < 0 {
					one = StoredItem{Item: pending}
				}
				there := one.Err != nil || !one.Gone && one.Epoch >= in.Since()
				if there && !yield(one, nil) {
					return
				}
			}
		}
	}
}

// allItemKeys are the keys of items, in order, some of which may have none.
func (r *Records) allItemKeys(ctx context.Context, id troupe.ID, in *record.Items, name string) (keys []record.ItemKey, err error) {
	prefix, filter := r.bucket.prefix+itemsPrefix+id.Tokens()+".", name+".*"
	if name == "" {
		filter = "*.*"
	}
	subjects, err := r.bucket.allSubjects(ctx, prefix+filter)
	if err != nil {
		return nil, fmt.Errorf("listing the items of %s: %w", id, err)
	}
	for _, subject := range subjects {
		if _, key, ok := parseItem(strings.TrimPrefix(subject, r.bucket.prefix)); ok {
			keys = append(keys, key)
		}
	}
	for _, one := range in.All() {
		if name == "" || one.Map == name {
			keys = append(keys, one.ItemKey)
		}
	}
	slices.SortFunc(keys, func(a, b record.ItemKey) int { return cmp.Or(cmp.Compare(a.Map, b.Map), cmp.Compare(a.Key, b.Key)) })
	return slices.Compact(keys), nil
}
