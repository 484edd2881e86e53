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

// StepBlocks returns the first steps of the blocks of a run, in no particular order. However many there are, it takes one message each way.
func (s *Subscriptions) StepBlocks(ctx context.Context, id troupe.ID, run string) (firsts []int, err error) {
	prefix := s.bucket.prefix + stepsKey(id, run)
	subjects, err := s.bucket.subjects(ctx, prefix+"*")
	if err != nil {
		return nil, fmt.Errorf("reading the steps of %s: %w", id, err)
	}
	for subject := range subjects {
		if first, err := strconv.Atoi(strings.TrimPrefix(subject, prefix)); err == nil {
			firsts = append(firsts, first)
		}
	}
	return firsts, nil
}

// StepBlock returns a block of a run, or nothing if there is none.
func (s *Subscriptions) StepBlock(ctx context.Context, id troupe.ID, run string, first int) ([]byte, error) {
	msg, err := s.bucket.lastOf(ctx, s.bucket.prefix+stepsKey(id, run)+strconv.Itoa(first))
	if err != nil || msg == nil || isDeletion(msg.Header) {
		return nil, err
	}
	return msg.Data, nil
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
