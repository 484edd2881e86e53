package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/link"
	"github.com/troupe-go/troupe/internal/record"
)

// When an actor is destroyed, its items are removed behind it. Nobody takes for its own what is left of them, so that is not urgent.

// ForgetItems removes the items of an actor that is destroyed. If there is one of its ID again, they are removed one by one.
func (r *Records) ForgetItems(ctx context.Context, id troupe.ID) error {
	left, err := r.bucket.newest(ctx, r.bucket.prefix+id.Tokens())
	switch {
	case err != nil:
		return fmt.Errorf("reading %s: %w", id, err)
	case left == nil: // there has been none for long
		return r.forgetItemsBefore(ctx, id, uint64(time.Now().Add(-maxClockSkew).UnixMilli()))
	case !isDeletion(left.Header):
		since, err := firstEpoch(left)
		if err != nil {
			return withID(id, err)
		}
		return r.forgetItemsBefore(ctx, id, since)
	}
	asked, wait := link.Await(ctx, r.bucket.js.Conn(), askPurge+r.bucket.name(), purgeTimeout)
	err = wait.End(r.bucket.stream.Purge(asked, jetstream.WithPurgeSubject(r.bucket.prefix+itemsPrefix+id.Tokens()+".*.*"),
		jetstream.WithPurgeSequence(left.Sequence))) // the next actor of this ID has later ones
	if err != nil { // NATS may not allow this user to purge
		return r.forgetItemsBefore(ctx, id, epochOf(left)+1)
	}
	return nil
}

// maxClockSkew is how far the clocks of hosts may be apart, for an actor that is created as its items from before are removed.
const maxClockSkew = time.Minute

// firstEpoch is the first epoch in which the actor that has this record may have had items.
func firstEpoch(msg *jetstream.RawStreamMsg) (uint64, error) {
	found, err := record.Decode(msg.Data, msg.Sequence)
	if err != nil {
		return 0, err
	}
	parts, err := found.Open()
	if err != nil {
		return 0, err
	}
	if since := parts.Items().Since(); since > 0 {
		return since, nil
	}
	return found.Epoch, nil
}

// forgetItemsBefore removes the items of an ID from before an epoch, one by one.
func (r *Records) forgetItemsBefore(ctx context.Context, id troupe.ID, epoch uint64) error {
	subjects, err := r.bucket.allSubjects(ctx, r.bucket.prefix+itemsPrefix+id.Tokens()+".*.*")
	if err != nil {
		return fmt.Errorf("listing the items of %s: %w", id, err)
	}
	for page := range slices.Chunk(subjects, ItemPage) {
		messages, err := r.bucket.lastOfAll(ctx, page)
		if err != nil {
			return fmt.Errorf("reading items of %s: %w", id, err)
		}
		for _, msg := range messages {
			_, key, ok := parseItem(strings.TrimPrefix(msg.Subject, r.bucket.prefix))
			if item := storedItem(id, key, msg); !ok || item.Err == nil && item.Epoch >= epoch || isDeletion(msg.Header) {
				continue
			}
			err := r.bucket.remove(ctx, itemSubject(id, key), msg.Sequence, destroyedTTL)
			if err != nil && !errors.Is(err, ErrConflict) {
				return fmt.Errorf("removing an item of %s: %w", id, err)
			}
		}
	}
	return nil
}

// LostItems counts the items of actors that do not exist, by actor. Those of one that has just been destroyed may be among them.
func (r *Records) LostItems(ctx context.Context) (map[troupe.ID]int, error) {
	subjects, err := r.bucket.allSubjects(ctx, r.bucket.prefix+itemsPrefix+">")
	if err != nil {
		return nil, fmt.Errorf("listing items: %w", err)
	}
	items := make(map[troupe.ID][]string)
	for _, subject := range subjects {
		if id, _, ok := parseItem(strings.TrimPrefix(subject, r.bucket.prefix)); ok {
			items[id] = append(items[id], subject)
		}
	}
	lost := make(map[troupe.ID]int)
	for id, subjects := range items {
		msg, err := r.bucket.newest(ctx, r.bucket.prefix+id.Tokens())
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", id, err)
		}
		if msg != nil && !isDeletion(msg.Header) {
			continue
		}
		for page := range pages(subjects) {
			messages, err := r.bucket.lastOfAll(ctx, page)
			if err != nil {
				return nil, fmt.Errorf("reading items of %s: %w", id, err)
			}
			for _, msg := range messages {
				if !isDeletion(msg.Header) {
					lost[id]++
				}
			}
		}
	}
	return lost, nil
}
