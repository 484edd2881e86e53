package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupe-go/troupe/internal/record"
)

// reindexKey has an entry while a host enters subscriptions again, for at most this time.
const reindexKey, reindexTime = "_reindex", 10 * time.Minute

// BeginReindex succeeds for one of the hosts that call it in [reindexTime]; for others, the error is [ErrConflict].
func (s *Subscriptions) BeginReindex(ctx context.Context) error {
	_, err := s.bucket.put(ctx, reindexKey, nil, 0, reindexTime)
	return err
}

// Reindex enters each durable subscription of the records that the index does not have, and returns how many. Records that
// cannot be decoded are passed over.
func Reindex(ctx context.Context, records *Records, index *Subscriptions) (entered int, err error) {
	for one, err := range records.List(ctx, "") {
		switch {
		case errors.Is(err, record.ErrCorrupt):
			continue
		case err != nil:
			return entered, fmt.Errorf("entering subscriptions: %w", err)
		}
		parts, err := one.Open()
		if err != nil {
			continue
		}
		for followed := range parts.Follows().All() {
			there, err := index.Has(ctx, followed.Source, followed.Event, one.ID)
			if err == nil && !there {
				entered++
				err = index.Add(ctx, followed.Source, followed.Event, one.ID)
			}
			if err != nil {
				return entered, err
			}
		}
	}
	return entered, nil
}
