package store

import (
	"context"
	"encoding/json"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe/internal/link"
)

// A server whose disk is full does not answer writes: it keeps the reason for its log. In a cluster, servers whose storage is
// used up refuse a write or two and then lead no stream any more. So whoever waits in vain asks why, by questions that change
// nothing. As long as the reason lasts, nothing is written to the stream.

const (
	askWhyAfter = time.Second // without an answer
	askWhyAgain = time.Second // while the reason lasts
	askWhyFor   = 500 * time.Millisecond
)

// codePurgeFailed is JetStream's error number for that.
const codePurgeFailed = 10051

// storeClosed is why a purge fails while a server stops.
const storeClosed = "store is closed"

// Troubles is what the streams of a host share about that. It is safe for concurrent use.
type Troubles struct {
	nc    *nats.Conn
	asked []string // subjects of streams whose servers may say that their storage is used up
	// full is what a server has said of its storage, if nothing was stored since.
	full atomic.Pointer[error]
}

// nobody is a key that nobody has.
const nobody = "_nobody"

// heard is told how a write has ended.
func (t *Troubles) heard(err error) {
	switch {
	case t == nil:
	case err == nil:
		if t.full.Load() != nil {
			t.full.Store(nil)
		}
	default:
		if api := apiError(err); api != nil && api.ErrorCode == codeServerFull {
			why := error(api)
			t.full.Store(&why)
		}
	}
}

// provoke has a server say that its storage is used up, if it is: by writes that cannot succeed, since they expect what is
// not there.
func (t *Troubles) provoke(ctx context.Context, first string) error {
	for _, subject := range append([]string{first + nobody}, t.asked...) {
		if full := t.full.Load(); full != nil {
			return *full
		}
		msg := &nats.Msg{Subject: subject, Header: nats.Header{
			jetstream.ExpectedLastSubjSeqHeader: {strconv.FormatUint(1<<62, 10)},
		}}
		asked, wait := link.Await(ctx, t.nc, subject, askWhyFor)
		reply, err := t.nc.RequestMsgWithContext(asked, msg)
		var ack struct {
			Error *jetstream.APIError `json:"error"`
		}
		if wait.End(err) == nil && json.Unmarshal(reply.Data, &ack) == nil && ack.Error != nil {
			t.heard(ack.Error)
		}
	}
	if full := t.full.Load(); full != nil {
		return *full
	}
	return nil
}

// trouble is why nothing can be stored in a stream.
type trouble struct {
	is     atomic.Pointer[error] // an ErrFull
	asked  atomic.Int64          // when, in nanoseconds since 1970
	asking atomic.Bool
}

// why returns the trouble, or nil.
func (t *trouble) why() error {
	if is := t.is.Load(); is != nil {
		return *is
	}
	return nil
}

// isOld reports whether it may be asked again.
func (t *trouble) isOld() bool { return time.Now().UnixNano()-t.asked.Load() >= int64(askWhyAgain) }
