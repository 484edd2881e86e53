package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/troupe-go/troupe"
)

// Steps of long workflows are in the bucket of the subscriptions too, under keys that no subscription has: the records have no room
// for them. A block has those of one run from a number on. It is written once, by who has them in the record, and never changed.

const stepsPrefix = "_steps."

func stepsKey(id troupe.ID, run string) string { return stepsPrefix + id.Tokens() + "." + run + "." }

// KeepSteps stores a block, and returns the one that is stored: another may have been there before.
func (s *Subscriptions) KeepSteps(ctx context.Context, id troupe.ID, run string, first int, block []byte) ([]byte, error) {
	key := stepsKey(id, run) + strconv.Itoa(first)
	_, err := s.bucket.put(ctx, key, block, 0, 0)
	if errors.Is(err, ErrConflict) {
		last, err := s.bucket.newest(ctx, s.bucket.prefix+key)
		if err == nil && (last == nil || isDeletion(last.Header)) {
			err = ErrConflict
		}
		if err != nil {
			return nil, fmt.Errorf("reading the steps of %s from %d on: %w", id, first, err)
		}
		return last.Data, nil
	}
	if err != nil {
		return nil, fmt.Errorf("keeping the steps of %s from %d on: %w", id, first, err)
	}
	return block, nil
}

// StepsOf returns the blocks of a run by their first steps.
func (s *Subscriptions) StepsOf(ctx context.Context, id troupe.ID, run string) (map[int][]byte, error) {
	prefix := stepsKey(id, run)
	found, err := s.bucket.find(ctx, prefix+"*")
	if err != nil {
		return nil, fmt.Errorf("reading the steps of %s: %w", id, err)
	}
	blocks := make(map[int][]byte, len(found))
	for _, one := range found {
		if first, err := strconv.Atoi(strings.TrimPrefix(one.key, prefix)); err == nil {
			blocks[first] = one.value
		}
	}
	return blocks, nil
}

// ForgetSteps removes the blocks of a run.
func (s *Subscriptions) ForgetSteps(ctx context.Context, id troupe.ID, run string) error {
	found, err := s.bucket.find(ctx, stepsKey(id, run)+"*")
	if err != nil {
		return fmt.Errorf("reading the steps of %s: %w", id, err)
	}
	for _, one := range found {
		if err := s.remove(ctx, one); err != nil {
			return fmt.Errorf("removing steps of %s: %w", id, err)
		}
	}
	return nil
}
