package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/troupe-go/troupe/codec"
)

// StoredCount is how many bytes tenants store, as one host has counted it for all.
type StoredCount struct {
	Took    int64            `json:"took"` // milliseconds
	Tenants map[string]int64 `json:"tenants"`
}

const storedKey = "_stored"

// maxCountBytes bounds a count, so that it fits into a message: those who store the least are left out.
const maxCountBytes = 256 << 10

// StoredTurn is the turn to count: see [Turn].
func (s *Subscriptions) StoredTurn() *Turn { return &Turn{bucket: s.bucket, key: "_counts"} }

// PutStored puts a count in place of the last.
func (s *Subscriptions) PutStored(ctx context.Context, took time.Duration, tenants map[string]int64) error {
	value, err := codec.MsgPack.Append(nil, StoredCount{took.Milliseconds(), largest(tenants)})
	if err != nil {
		return fmt.Errorf("encoding what tenants store: %w", err)
	}
	last, err := s.bucket.lastOf(ctx, s.bucket.prefix+storedKey)
	if err != nil {
		return err
	}
	expected := uint64(0)
	if last != nil {
		expected = last.Sequence
	}
	if _, err = s.bucket.put(ctx, storedKey, value, expected, 0); errors.Is(err, ErrConflict) { // another has counted too
		return nil
	}
	return err
}

// largest are the tenants for which there is room in a count.
func largest(tenants map[string]int64) map[string]int64 {
	size := 0
	for name := range tenants {
		size += len(name) + len("123456789 and more")
	}
	if size <= maxCountBytes {
		return tenants
	}
	names := slices.SortedFunc(maps.Keys(tenants), func(a, b string) int {
		return cmp.Or(cmp.Compare(tenants[b], tenants[a]), strings.Compare(a, b))
	})
	kept := make(map[string]int64)
	size = 0
	for _, name := range names {
		if size += len(name) + len("123456789 and more"); size > maxCountBytes {
			break
		}
		kept[name] = tenants[name]
	}
	return kept
}

// Stored returns the last count, and a number that is another for each. It is 0 if there is none.
func (s *Subscriptions) Stored(ctx context.Context) (count StoredCount, revision uint64, err error) {
	msg, err := s.bucket.lastOf(ctx, s.bucket.prefix+storedKey)
	if err != nil || msg == nil || isDeletion(msg.Header) {
		return count, 0, err
	}
	if err := codec.MsgPack.Unmarshal(msg.Data, &count); err != nil {
		return count, 0, fmt.Errorf("decoding what tenants store: %w", err)
	}
	return count, msg.Sequence, nil
}
