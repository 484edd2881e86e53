package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe/internal/rpc"
	"github.com/troupe-go/troupe/internal/wire"
)

// A server whose disk is full does not answer writes: it keeps the reason for its log. In a cluster, servers whose storage is
// used up refuse a write or two and then lead no stream any more. So whoever waits in vain asks why, by questions that change
// nothing. As long as the reason lasts, nothing is written to the stream.

const (
	askWhyAfter = time.Second // without an answer
	askWhyAgain = time.Second // while the reason lasts
	askWhyFor   = 500 * time.Millisecond
)

// JetStream's error numbers for a purge that failed, and for a server whose storage is used up.
const (
	codePurgeFailed = 10051
	codeServerFull  = 10023 // also in refusals
)

// storeClosed is why a purge fails while a server stops.
const storeClosed = "store is closed"

// Troubles is what the streams of a host share about that. It is safe for concurrent use.
type Troubles struct {
	nc    *nats.Conn
	asked []string // subjects of streams whose servers may say that their storage is used up
	// full is what a server has said of its storage, if nothing was stored since.
	full atomic.Pointer[error]
}

// NewTroubles returns the Troubles of a namespace, for [Settings].
func NewTroubles(nc *nats.Conn, ns wire.Namespace) *Troubles {
	t := &Troubles{nc: nc}
	for _, prefix := range []string{ns.Name() + ".journal.", "$KV." + leaseBucket.name(ns) + "."} {
		t.asked = append(t.asked, prefix+nobody)
	}
	return t
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
		asked, wait := rpc.Await(ctx, t.nc, subject, askWhyFor)
		reply, err := t.nc.RequestMsgWithContext(asked, msg)
		if err = wait.End(err); err == nil {
			if _, err = parseAck(reply); err != nil {
				t.heard(err)
			}
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

// hindered returns why nothing can be stored, an [ErrFull], or nil. While it is not nil, it asks again from time to time.
func (b *bucket) hindered(ctx context.Context) error {
	if b.trouble.is.Load() == nil {
		return nil
	}
	return b.findTrouble(ctx)
}

// findTrouble finds out why a write is not answered. It returns nil if that is not known.
func (b *bucket) findTrouble(ctx context.Context) error {
	was := b.trouble.why()
	if b.troubles == nil || !b.trouble.isOld() || !b.trouble.asking.CompareAndSwap(false, true) {
		return was
	}
	defer b.trouble.asking.Store(false)
	why := b.askWhy(ctx, was)
	b.trouble.asked.Store(time.Now().UnixNano())
	if why == nil {
		b.trouble.is.Store(nil)
	} else {
		b.trouble.is.Store(&why)
	}
	return why
}

func (b *bucket) askWhy(ctx context.Context, was error) error {
	failed, err := b.tryPurge(ctx)
	switch {
	case err == nil && failed == nil:
		return nil
	case failed != nil && failed.ErrorCode == codePurgeFailed && failed.Description != storeClosed:
		return &refusal{kind: ErrFull, cause: failed, words: "the server cannot write to its disk: make room there, then restart it"}
	case failed != nil && !unavailable(failed), rpc.IsRefusal(err), !b.js.Conn().IsConnected():
		return nil
	case was != nil:
		return was
	}
	full := b.troubles.provoke(ctx, b.prefix)
	if full == nil {
		return nil
	}
	return &refusal{kind: ErrFull, words: refusals[codeServerFull].words,
		cause: fmt.Errorf("%w; no server leads %s any more", full, streamName(b.name()))}
}

// tryPurge purges what is not there: a server that cannot write says why, unless the sequence is 1, for which it does not look.
// The error is that there is no answer.
func (b *bucket) tryPurge(ctx context.Context) (*jetstream.APIError, error) {
	question := fmt.Appendf(nil, `{"filter":%q,"seq":2}`, b.prefix+nobody)
	ctx, wait := rpc.Await(ctx, b.js.Conn(), askPurge+b.name(), askWhyFor)
	reply, err := b.js.Conn().RequestWithContext(ctx, askPurge+b.name(), question)
	if err = wait.End(err); err != nil {
		return nil, err
	}
	var answer struct {
		Error *jetstream.APIError `json:"error"`
	}
	err = json.Unmarshal(reply.Data, &answer)
	return answer.Error, err
}

// unanswered reports whether nobody has said anything to a write.
func unanswered(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, nats.ErrNoResponders)
}

// lookForTrouble asks why writes have not been answered for a while, without waiting. It reports whether it must be called
// again: while there is trouble, so that it is noticed when it ends.
func (w *writer) lookForTrouble(now time.Time) (again bool) {
	for _, b := range w.unwritten(now.Add(-askWhyAfter)) {
		if !b.trouble.isOld() || b.trouble.asking.Load() {
			continue
		}
		w.running.Go(func() {
			if why := b.findTrouble(w.ctx); why != nil {
				w.inTrouble(b)
				w.expireOf(b, now, fmt.Errorf("%w: %w", ErrOutcomeUnknown, why))
			}
		})
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.troubled = slices.DeleteFunc(w.troubled, func(b *bucket) bool { return b.trouble.why() == nil })
	return len(w.troubled) > 0
}

// inTrouble has it asked again why nothing can be stored in a stream.
func (w *writer) inTrouble(b *bucket) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Contains(w.troubled, b) {
		w.troubled = append(w.troubled, b)
	}
}

// unwritten are the streams whose writes were not answered since some time, and those that are in trouble.
func (w *writer) unwritten(since time.Time) []*bucket {
	w.mu.Lock()
	defer w.mu.Unlock()
	found := slices.Clone(w.troubled)
	for _, f := range w.flights {
		if f.sent.Before(since) && !slices.Contains(found, f.bucket) {
			found = append(found, f.bucket)
		}
	}
	return found
}
