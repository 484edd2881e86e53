package store

import (
	"context"
	"fmt"
	"iter"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe"
)

// MaxHistory is how many revisions of a record can be kept.
const MaxHistory = jetstream.KeyValueMaxHistory

// History yields the revisions of an actor's record that are kept, oldest first; the last is the record as it is. There
// are none of an actor that does not exist. Errors are as those of [Records.List].
func (r *Records) History(ctx context.Context, id troupe.ID) iter.Seq2[ListedRecord, error] {
	return func(yield func(ListedRecord, error) bool) {
		for one, err := range r.bucket.revisions(ctx, id.Tokens(), 1) {
			if err != nil {
				yield(ListedRecord{}, err)
				return
			}
			if !yield(listedRecord(one)) {
				return
			}
		}
	}
}

// Kept is how many revisions of each record are kept: one, unless somebody has chosen another number.
func (r *Records) Kept(ctx context.Context) (revisions int, err error) {
	info, err := r.bucket.stream.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("asking for the settings of %s: %w", r.bucket.entries.Bucket(), err)
	}
	return int(info.Config.MaxMsgsPerSubject), nil
}

// Keep sets how many revisions of each record are kept from now on, 1 to [MaxHistory]. Hosts go on meanwhile. Those that
// are too many are gone at once.
func (r *Records) Keep(ctx context.Context, revisions int) error {
	if revisions < 1 || revisions > MaxHistory {
		return fmt.Errorf("%d revisions cannot be kept: 1 to %d can", revisions, MaxHistory)
	}
	info, err := r.bucket.stream.Info(ctx)
	if err == nil {
		info.Config.MaxMsgsPerSubject = int64(revisions)
		_, err = r.bucket.js.UpdateStream(ctx, info.Config)
	}
	if err != nil {
		return fmt.Errorf("keeping %d revisions in %s: %w", revisions, r.bucket.entries.Bucket(), err)
	}
	return nil
}
