package store

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/wire"
)

// destroyedTTL is how long the server remembers that an actor was destroyed. Its claims stay ordered for ever: the
// epoch of a record is a sequence number of the whole bucket.
const destroyedTTL = time.Hour

// Records is the bucket that holds the record of each actor of a namespace, under the tokens of its ID. Writes are
// compare-and-set on [record.Record.Revision].
type Records struct {
	bucket     *bucket
	maxPayload atomic.Int64 // of a message, as of the last write

	mu     sync.Mutex
	writer *writer // nil until there is something to write
}

// recordBucket is made for the flights of a group commit too, which are atomic batches.
var recordBucket = bucketKind{
	suffix: "actors", description: "One record for each actor: owner, epoch and state", deletedTTL: destroyedTTL, batches: true,
}

// OpenRecords opens the records of a namespace, and makes their bucket, with this many replicas, when there is none.
// Zero replicas means three in a cluster and one on a single server.
func OpenRecords(ctx context.Context, nc *nats.Conn, ns wire.Namespace, replicas int) (*Records, error) {
	bucket, err := recordBucket.open(ctx, nc, ns, replicas)
	if err != nil {
		return nil, err
	}
	return &Records{bucket: bucket}, nil
}

// FindRecords opens the records of a namespace that there are. Where no host has made any it returns nil. It waits for an
// answer until ctx is done.
func FindRecords(ctx context.Context, nc *nats.Conn, ns wire.Namespace) (*Records, error) {
	bucket, err := recordBucket.find(ctx, nc, ns)
	if err != nil || bucket == nil {
		return nil, err
	}
	return &Records{bucket: bucket}, nil
}

// Get reads the record of an actor. One that does not exist is the zero Record with the Revision to expect. The error
// is [record.ErrCorrupt] for one that cannot be decoded; its parts are not looked into.
func (r *Records) Get(ctx context.Context, id troupe.ID) (record.Record, error) {
	value, revision, err := r.bucket.get(ctx, id.Tokens())
	if err != nil || value == nil {
		return record.Record{Revision: revision}, err
	}
	found, err := record.Decode(value, revision)
	return found, withID(id, err)
}

// withID says of which actor an error is.
func withID(id troupe.ID, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", id, err)
}

// Raw reads the record of an actor as it is stored, decodable or not, and nil for one that does not exist.
func (r *Records) Raw(ctx context.Context, id troupe.ID) ([]byte, error) {
	value, _, err := r.bucket.get(ctx, id.Tokens())
	return value, err
}

// Put stores a record whose last known revision is in it, and returns its new revision. The error is [ErrConflict]
// when somebody else has written it, and [ErrOutcomeUnknown] when no answer came.
func (r *Records) Put(ctx context.Context, id troupe.ID, one record.Record) (uint64, error) {
	value := one.Append(make([]byte, 0, 64+len(one.State)+len(one.Parts)))
	return r.bucket.put(ctx, id.Tokens(), value, one.Revision, 0)
}

// recordOverhead is what a record's other fields take, and the headers of the write.
const recordOverhead = 1024

// Fits reports whether a state of so many bytes fits a record. It asks the connection only if it seems not to: that takes
// a lock which is held while the connection writes, and all actors that change would wait for it.
func (r *Records) Fits(state int64) bool {
	return state+recordOverhead <= r.maxPayload.Load() || state <= r.MaxState()
}

// Room is how many bytes of state and parts a record has room for, as of the last write. It calls the connection only when
// there was none.
func (r *Records) Room() int64 {
	if limit := r.maxPayload.Load(); limit > 0 {
		return limit - recordOverhead
	}
	return r.MaxState()
}

// MaxState is the largest state that fits a record, in bytes.
func (r *Records) MaxState() int64 {
	limit := r.bucket.js.Conn().MaxPayload()
	r.maxPayload.Store(limit)
	return limit - recordOverhead
}

// Delete removes the record of an actor for good. Its errors are those of Put.
func (r *Records) Delete(ctx context.Context, id troupe.ID, revision uint64) error {
	return r.bucket.remove(ctx, id.Tokens(), revision, destroyedTTL)
}

// List yields the records of an actor type, or of all types when it is empty, in no particular order, as they are while it
// runs: each at least once, and one that is written meanwhile perhaps again, the newest last. A record that cannot be
// decoded, or whose parts cannot, comes with [record.ErrCorrupt]; any other error is the last.
func (r *Records) List(ctx context.Context, actorType string) iter.Seq2[ListedRecord, error] {
	filters := []string{">"}
	if actorType != "" {
		filters = []string{actorType, actorType + ".>"} // the actor without a key, and all others
	}
	return func(yield func(ListedRecord, error) bool) {
		for one, err := range r.bucket.list(ctx, filters...) {
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

func listedRecord(one entry) (ListedRecord, error) {
	listed := ListedRecord{Modified: one.created}
	listed.Revision = one.revision
	id, err := troupe.ParseID(one.key)
	if err != nil {
		return listed, fmt.Errorf("%w: %w", record.ErrCorrupt, err)
	}
	listed.ID = id
	if listed.Record, err = record.Decode(one.value, one.revision); err == nil {
		_, err = listed.Open()
	}
	return listed, withID(id, err)
}

// ListedRecord is a record of a list.
type ListedRecord struct {
	record.Record
	ID       troupe.ID
	Modified time.Time // when it was written, by the server's clock
}
