package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Turn is a host's turn to do what one host does for all. It is a key with a TTL in the bucket of the subscriptions, whose
// value is how many hosts there are, by which the others know how often to look, and who has it. It is not safe for concurrent
// use.
type Turn struct {
	bucket   *bucket
	key      string
	revision uint64 // of the key, while this host has the turn
}

// Turn returns the turn to look for what dead hosts have left. The host does not have it yet.
func (s *Subscriptions) Turn() *Turn { return &Turn{bucket: s.bucket, key: "_turn"} }

// Take takes the turn for a while (whole seconds), or keeps it, unless another host has it that is not gone. Hosts is how many
// there are, as far as the host knows; Take returns what is known to the one that has the turn.
func (t *Turn) Take(
	ctx context.Context, host string, hosts int, lasts time.Duration, gone func(ctx context.Context, host string) bool,
) (mine bool, known int, err error) {
	expected := t.revision
	if expected == 0 {
		last, err := t.bucket.lastOf(ctx, t.bucket.prefix+t.key)
		switch {
		case err != nil:
			return false, hosts, err
		case last != nil && !isDeletion(last.Header):
			number, holder, _ := strings.Cut(string(last.Data), " ")
			known, _ = strconv.Atoi(number)
			if holder == "" || !gone(ctx, holder) {
				return false, known, nil
			}
			expected = last.Sequence
		case last != nil:
			expected = last.Sequence
		}
	}
	t.revision, err = t.bucket.put(ctx, t.key, fmt.Appendf(nil, "%d %s", hosts, host), expected, lasts)
	switch {
	case errors.Is(err, ErrConflict):
		return false, hosts, nil
	case err != nil:
		return false, hosts, fmt.Errorf("taking the turn: %w", err)
	}
	return true, hosts, nil
}

// GiveUp ends the turn, if the host has it.
func (t *Turn) GiveUp(ctx context.Context) error {
	if t.revision == 0 {
		return nil
	}
	err := t.bucket.remove(ctx, t.key, t.revision, unsubscribedTTL)
	t.revision = 0
	return err
}
