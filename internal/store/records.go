package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

// Record is the persisted side of one actor, and the truth about who owns it.
type Record struct {
	Owner   string `json:"owner"`             // id of the host that claimed the actor last
	Epoch   uint64 `json:"epoch,omitempty"`   // revision of that claim; absent in the claim itself
	Created bool   `json:"created,omitempty"` // false between a claim and the end of the on-create hook
	State   []byte `json:"state,omitempty"`   // the msgpack encoding of the actor's state
	Answers []byte `json:"answers,omitempty"` // to the calls that led to the state, as package actorhost encodes them

	Events  map[string]troupe.Position `json:"events,omitempty"`  // the last of each name that the actor has broadcast
	Outbox  []Emitted                  `json:"outbox,omitempty"`  // durable events that may not be in the log yet
	Follows []byte                     `json:"follows,omitempty"` // its durable subscriptions, as package actorhost encodes them

	// Revision is what a write of the record must expect, also for a record that does not exist. It is not encoded.
	Revision uint64 `json:"-"`
}

// Emitted is a durable event that an actor has broadcast.
type Emitted struct {
	Event    string          `json:"event"`
	Position troupe.Position `json:"position"`
	Previous uint64          `json:"previous,omitempty"` // see Place
	Payload  []byte          `json:"payload,omitempty"`  // msgpack
	Except   string          `json:"except,omitempty"`   // the connection that it is not for
}

// Place is where the event stands.
func (e Emitted) Place() wire.Place { return wire.Place{Position: e.Position, Previous: e.Previous} }

// ErrCorrupt is the error of a record that cannot be decoded.
var ErrCorrupt = errors.New("the record cannot be decoded")

// destroyedTTL is how long the server remembers that an actor was destroyed. Its claims stay ordered for ever: the
// epoch of a record is a sequence number of the whole bucket.
const destroyedTTL = time.Hour

// Records is the bucket that holds the record of each actor of a namespace, under the tokens of its ID. Writes are
// compare-and-set on Record.Revision.
type Records struct {
	bucket *bucket
	limit  atomic.Int64 // of a message, as of the last write

	mu     sync.Mutex
	writer *writer // nil until there is something to write
}

// OpenRecords opens the records of a namespace, and makes their bucket, with this many replicas, when there is none.
// Zero replicas means three in a cluster and one on a single server.
func OpenRecords(ctx context.Context, nc *nats.Conn, ns wire.Namespace, replicas int) (*Records, error) {
	bucket, err := openBucket(ctx, nc, jetstream.KeyValueConfig{
		Bucket:         ns.Name() + "-actors",
		Description:    "One record for each actor: owner, epoch and state",
		Replicas:       replicas,
		LimitMarkerTTL: destroyedTTL, // allows a TTL on single messages
	}, true)
	if err != nil {
		return nil, err
	}
	return &Records{bucket: bucket}, nil
}

// Get reads the record of an actor. One that does not exist is the zero Record with the Revision to expect. The error
// is [ErrCorrupt] for one that cannot be decoded.
func (r *Records) Get(ctx context.Context, id troupe.ID) (Record, error) {
	value, revision, err := r.bucket.get(ctx, id.Tokens())
	if err != nil || value == nil {
		return Record{Revision: revision}, err
	}
	return decodeRecord(id.Tokens(), value, revision)
}

// Raw reads the record of an actor as it is stored, decodable or not, and nil for one that does not exist.
func (r *Records) Raw(ctx context.Context, id troupe.ID) ([]byte, error) {
	value, _, err := r.bucket.get(ctx, id.Tokens())
	return value, err
}

// Put stores a record whose last known revision is in it, and returns its new revision. The error is [ErrConflict]
// when somebody else has written it, and [ErrOutcomeUnknown] when no answer came.
func (r *Records) Put(ctx context.Context, id troupe.ID, record Record) (uint64, error) {
	value, err := record.append(make([]byte, 0, 64+len(record.State)))
	if err != nil {
		return 0, fmt.Errorf("encoding the record of %s: %w", id, err)
	}
	return r.bucket.put(ctx, id.Tokens(), value, record.Revision, 0)
}

// around is what a record's other fields take, and the headers of the write.
const around = 1024

// Fits reports whether a state of so many bytes fits a record. It asks the connection only if it seems not to: that takes
// a lock which is held while the connection writes, and all actors that change would wait for it.
func (r *Records) Fits(state int64) bool {
	return state+around <= r.limit.Load() || state <= r.MaxState()
}

// MaxState is the largest state that fits a record, in bytes.
func (r *Records) MaxState() int64 {
	limit := r.bucket.js.Conn().MaxPayload()
	r.limit.Store(limit)
	return limit - around
}

// Delete removes the record of an actor for good. Its errors are those of Put.
func (r *Records) Delete(ctx context.Context, id troupe.ID, revision uint64) error {
	return r.bucket.remove(ctx, id.Tokens(), revision, destroyedTTL)
}

// List yields the records of an actor type, or of all types when it is empty, in no particular order, as they are while it
// runs: each at least once, and one that is written meanwhile perhaps again, the newest last. A record that cannot be
// decoded comes with [ErrCorrupt]; any other error is the last.
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
		return listed, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	listed.ID = id
	listed.Record, err = decodeRecord(one.key, one.value, one.revision)
	return listed, err
}

// ListedRecord is a record of a list.
type ListedRecord struct {
	Record
	ID       troupe.ID
	Modified time.Time // when it was written, by the server's clock
}

func decodeRecord(tokens string, value []byte, revision uint64) (Record, error) {
	record := Record{Revision: revision}
	if err := codec.MsgPack.Unmarshal(value, &record); err != nil {
		return Record{Revision: revision}, fmt.Errorf("%s: %w: %w", strings.ReplaceAll(tokens, ".", "/"), ErrCorrupt, err)
	}
	if err := record.check(); err != nil {
		return Record{Revision: revision}, fmt.Errorf("%s: %w: %w", strings.ReplaceAll(tokens, ".", "/"), ErrCorrupt, err)
	}
	if record.Epoch == 0 {
		record.Epoch = revision
	}
	return record, nil
}

// check finds what no host writes. An owner becomes a part of subjects; and what says neither whose an actor is nor that
// there is one must not pass for an actor that is yet to be created.
func (r *Record) check() error {
	switch {
	case r.Owner != "" && !isHostID(r.Owner):
		return fmt.Errorf("its owner %.40q is no host", r.Owner)
	case !r.Created && r.Owner == "":
		return errors.New("it names no owner and no actor")
	case !r.Created && len(r.State)+len(r.Answers) > 0:
		return errors.New("it has the state of an actor that is not created")
	}
	return nil
}
