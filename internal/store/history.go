package store

import (
	"context"
	"fmt"
	"iter"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe"
)

// MaxHistory is the largest number of revisions of a record that can be kept.
const MaxHistory = jetstream.KeyValueMaxHistory

// History yields the kept revisions of an actor's record, oldest first; the last one is the current record. It yields
// nothing for an actor that does not exist. Errors are as those of [Records.List].
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

// Kept is how many revisions of each record are kept: one, unless [Records.Keep] has changed it.
func (r *Records) Kept(ctx context.Context) (revisions int, err error) {
	info, err := r.bucket.stream.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("reading the settings of %s: %w", streamName(r.bucket.name()), err)
	}
	return int(info.Config.MaxMsgsPerSubject), nil
}

// Keep sets how many revisions of each record are kept, 1 to [MaxHistory]. Hosts may run meanwhile. Surplus revisions
// are deleted at once.
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
		return fmt.Errorf("keeping %d revisions in %s: %w", revisions, streamName(r.bucket.name()), err)
	}
	return nil
}
