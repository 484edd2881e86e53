package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/wire"
)

// destroyedTTL is how long the server remembers that an actor was destroyed, and its epoch. Epochs grow beyond that as
// long as the clocks of hosts do not differ by more: see [record.Record.NextEpoch].
const destroyedTTL = time.Hour

// Records is the bucket with the record of each actor of a namespace, under the tokens of its ID. Writes are
// compare-and-set on [record.Record.Revision].
type Records struct {
	bucket     *bucket
	maxPayload atomic.Int64 // as of the last write

	mu     sync.Mutex
	writer *writer // nil until the first write
}

// recordBucket allows the atomic batches of [Records.Write].
var recordBucket = bucketKind{
	purpose: forRecords, suffix: "actors", description: "One record for each actor: owner, epoch and state",
	deletedTTL: destroyedTTL, batches: true,
}

// OpenRecords opens the records of a namespace. If there is no bucket, it creates one. A bucket that would lose records is
// an error, which says what is wrong with it.
func OpenRecords(ctx context.Context, nc *nats.Conn, ns wire.Namespace, s Settings) (*Records, error) {
	bucket, err := recordBucket.open(ctx, nc, ns, s, s.MaxBytes.Records)
	if err != nil {
		return nil, err
	}
	return &Records{bucket: bucket}, nil
}

// FindRecords opens the records of a namespace, or returns nil if no host has created any. It retries until ctx is
// done.
func FindRecords(ctx context.Context, nc *nats.Conn, ns wire.Namespace) (*Records, error) {
	bucket, err := recordBucket.find(ctx, nc, ns)
	if err != nil || bucket == nil {
		return nil, err
	}
	return &Records{bucket: bucket}, nil
}

// Check finds out whether the records are those that they were, and returns nil if so: see [Replaced]. What is gone is made
// again, empty. Each change is told once. An error says that it is not known, or that nothing can be made.
func (r *Records) Check(ctx context.Context) (*Replaced, error) { return r.bucket.check(ctx) }

// HasType reports whether an actor of a type has a record, or had one lately.
func (r *Records) HasType(ctx context.Context, actorType string) (bool, error) {
	for _, keys := range [...]string{"", ".>"} {
		asked, wait := r.bucket.reading(ctx, askGet)
		_, err := r.bucket.stream.GetMsg(asked, 1, jetstream.WithGetMsgSubject(r.bucket.prefix+actorType+keys))
		err = wait.End(err)
		if !errors.Is(err, jetstream.ErrMsgNotFound) {
			return err == nil, err
		}
	}
	return false, nil
}

// Get reads the record of an actor. If there is none, it returns a Record with the Revision to expect and, of a destroyed
// actor, its last Epoch and what lasts of its Parts. The error is [record.ErrCorrupt] if the record cannot be decoded; its parts are
// not checked.
func (r *Records) Get(ctx context.Context, id troupe.ID) (record.Record, error) {
	msg, err := r.bucket.last(ctx, r.bucket.prefix+id.Tokens())
	return decoded(id, msg, err)
}

// Newest is Get for a caller that must not miss what has just been written.
func (r *Records) Newest(ctx context.Context, id troupe.ID) (record.Record, error) {
	msg, err := r.bucket.newest(ctx, r.bucket.prefix+id.Tokens())
	return decoded(id, msg, err)
}

func decoded(id troupe.ID, msg *jetstream.RawStreamMsg, err error) (record.Record, error) {
	switch {
	case err != nil:
		return record.Record{}, fmt.Errorf("reading %s: %w", id, err)
	case msg == nil:
		return record.Record{}, nil
	case isDeletion(msg.Header):
		return record.Record{Revision: msg.Sequence, Epoch: epochOf(msg), Parts: msg.Data}, nil
	}
	found, err := record.Decode(msg.Data, msg.Sequence)
	return found, withID(id, err)
}

// headerEpoch is in what is left of a destroyed actor: the epoch of its last activation.
const headerEpoch = "Troupe-Epoch"

// epochOf is the epoch of a destroyed actor's last activation, or a later one.
func epochOf(deletion *jetstream.RawStreamMsg) uint64 {
	epoch, err := strconv.ParseUint(wire.FirstHeader(deletion.Header, headerEpoch), 10, 63)
	if err != nil { // not deleted by us
		return uint64(max(deletion.Time.UnixMilli(), 0))
	}
	return epoch
}

// withID adds the actor to an error.
func withID(id troupe.ID, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", id, err)
}

// Raw reads the record of an actor as it is stored, decodable or not. It returns nil for an actor that does not exist.
func (r *Records) Raw(ctx context.Context, id troupe.ID) ([]byte, error) {
	value, _, err := r.bucket.get(ctx, id.Tokens())
	return value, err
}

// Put stores a record over the revision in it, and returns the new revision. The error is [ErrConflict] when somebody
// else has written the record, and [ErrOutcomeUnknown] when the write was not acknowledged.
func (r *Records) Put(ctx context.Context, id troupe.ID, one record.Record) (uint64, error) {
	value := one.Append(make([]byte, 0, 64+len(one.State)+len(one.Parts)))
	return r.bucket.put(ctx, id.Tokens(), value, one.Revision, 0)
}

// recordOverhead bounds the bytes of a record's other fields, of its answers, and of the headers of its write.
const recordOverhead = 1024 + record.AnswersRoom

// Fits reports whether a state of so many bytes fits into a record. It asks the connection for its limit only if the
// state seems not to fit: that takes a lock which is held during writes to the socket, and every actor that changes
// would wait for it.
func (r *Records) Fits(state int64) bool {
	return state+recordOverhead <= r.maxPayload.Load() || state <= r.MaxState()
}

// MaxState is the largest state that fits into a record, in bytes.
func (r *Records) MaxState() int64 {
	limit := r.bucket.js.Conn().MaxPayload()
	r.maxPayload.Store(limit)
	return limit - recordOverhead
}

// Delete deletes the record of an actor permanently. Of the last record, the revision, the epoch and the parts that last count. Its
// errors are those of Put.
func (r *Records) Delete(ctx context.Context, id troupe.ID, last record.Record) error {
	msg := r.bucket.deletion(id.Tokens())
	msg.Header.Set(headerEpoch, strconv.FormatUint(last.Epoch, 10))
	msg.Data = last.Lasting()
	return r.bucket.delete(ctx, msg, last.Revision, destroyedTTL)
}

// List yields the records of an actor type, or of all types if it is empty, in no particular order, as they are while
// it runs: each at least once, and one that is written meanwhile perhaps again, the newest last. A record that cannot
// be decoded, or whose parts cannot, comes with [record.ErrCorrupt]. Any other error is the last.
func (r *Records) List(ctx context.Context, actorType string) iter.Seq2[ListedRecord, error] {
	filters := []string{">"}
	if actorType != "" {
		filters = []string{actorType, actorType + ".>"} // the actor with the empty key, and all others
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

// ListedRecord is a record in a list.
type ListedRecord struct {
	record.Record
	ID       troupe.ID
	Modified time.Time // when it was written, by the server's clock
}
