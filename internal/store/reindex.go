package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupe-go/troupe/internal/record"
)

// reindexKey is written by the host that enters subscriptions again.
const reindexKey = "_reindex"

// BeginReindex is called by each host that has noticed that the index was replaced. It succeeds for the first. For others the
// error is [ErrConflict], unless the index has gone back and they have noticed so late that they cannot tell.
func (s *Subscriptions) BeginReindex(ctx context.Context, noticed *Replaced) error {
	begunFor, revision, err := s.bucket.get(ctx, reindexKey)
	made := s.bucket.madeAt()
	switch {
	case err != nil:
		return err
	case revision > noticed.Last, noticed.Anew && string(begunFor) == made:
		return ErrConflict
	}
	_, err = s.bucket.put(ctx, reindexKey, []byte(made), revision, 0)
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
			return entered, err
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
