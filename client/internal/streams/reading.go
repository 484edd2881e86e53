package streams

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client/internal/calls"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/link"
	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/wire"
)

// A host that is not heard of for quietTimes quietFor is taken for lost.
const quietFor, quietTimes = 2 * time.Second, 4

// handledBytes is how much a reader handles at most before it says so.
const handledBytes = 512 << 10

// reading is a stream that is read.
type reading struct {
	all      *Streams
	request  *troupe.StreamRequest
	ctx      context.Context //nolint:containedctx // the life of the reading
	cancel   context.CancelCauseFunc
	inbox    chan *nats.Msg
	name     string                                 // see [wire.Namespace.Stream]
	yield    func(func(into any) error, error) bool // the body of the loop of who reads
	as       codec.Codec
	item     []byte               // that is yielded
	decoding func(into any) error // decodes that: see [reading.decode]
	handled  atomic.Uint64        // items
	told     uint64               // of those, what the host knows, or more
	untold   int                  // the bytes of the others
	busy     atomic.Bool          // who reads does something with an item
}

// read returns why the stream has ended, nil if it has come to its end, or nobody wants more of it.
func (r *reading) read(inbox string, yield func(func(any) error, error) bool) error {
	if err := r.all.add(r); err != nil {
		return err
	}
	defer r.all.remove(r)
	sub, err := r.all.nc.Subscribe(inbox, r.arrive)
	if err != nil {
		return link.Reason(r.all.nc, err)
	}
	defer func() { _ = sub.Unsubscribe() }() // it fails if the connection is closed
	err = r.all.calls.Invoke(r.ctx, calls.Call{
		Invocation: troupe.Invocation{
			ID: r.request.ID, Action: r.request.Stream, Existing: r.request.Existing, In: r.request.In, Out: &r.name,
		},
		Inbox: inbox, Credit: credit,
	})
	if err != nil {
		return cmp.Or(r.ended(), err)
	}
	r.yield, r.decoding = yield, r.decode
	var saying sync.WaitGroup
	defer saying.Wait()
	defer r.cancel(nil)
	saying.Go(r.keepSaying)
	return r.receive()
}

// arrive takes a message that has come. A host that keeps to the credit leaves room for it.
func (r *reading) arrive(msg *nats.Msg) {
	if len(r.inbox) > 0 && msg.Header.Get(wire.HeaderAlive) != "" {
		return // what waits says more, and who reads may take hours
	}
	select {
	case r.inbox <- msg:
	default:
	}
}

// keepSaying tells the host again and again how far a slow reader is, which is thereby not taken for one that is gone.
func (r *reading) keepSaying() {
	for said := uint64(0); pause.For(r.ctx, quietFor); {
		if now := r.handled.Load(); now > said || r.busy.Load() {
			said = now
			r.say(now)
		}
	}
}

// say tells the host what is handled.
func (r *reading) say(handled uint64) {
	_ = r.all.nc.Publish(wire.Item(r.name, handled), nil) // else it finds no more, or the connection ends it
}

// receive yields what comes.
func (r *reading) receive() error {
	tick := time.NewTicker(quietFor)
	defer tick.Stop()
	for quiet := 0; ; {
		select {
		case msg := <-r.inbox:
			if quiet = 0; r.ctx.Err() != nil {
				continue
			}
			if over, err := r.handle(msg); over || err != nil {
				return err
			}
		case <-tick.C:
			if quiet++; quiet > quietTimes {
				return r.lost("nothing was heard of its host for %v", quietTimes*quietFor)
			}
		case <-r.ctx.Done():
			r.stop()
			return cmp.Or(r.ended(), r.ctx.Err())
		}
	}
}

// ended is why the stream was ended, by the client or the server, or nil.
func (r *reading) ended() error {
	if known := errs.Find(context.Cause(r.ctx)); known != nil {
		return known
	}
	return nil
}

// handle takes a message of the host.
func (r *reading) handle(msg *nats.Msg) (over bool, err error) {
	name, number, ok := wire.ParseItem(msg.Reply)
	switch {
	case !ok || name != r.name:
		return false, nil // it is not from the host
	case number != r.handled.Load()+1:
		return true, r.lost("values were lost on the way")
	case msg.Header.Get(wire.HeaderEnd) != "":
		if failed := wire.DecodeError(msg); failed != nil {
			return true, failed
		}
		return true, nil
	case msg.Header.Get(wire.HeaderAlive) != "":
		return false, nil
	}
	return r.handleItems(msg)
}

func (r *reading) handleItems(msg *nats.Msg) (over bool, err error) {
	if r.as, err = codec.ForContentType(msg.Header.Get(wire.HeaderContentType)); err != nil {
		return true, errs.New(troupe.CodeInternal, "%s: a value: %v", r, err)
	}
	for rest := msg.Data; len(rest) > 0 && r.ctx.Err() == nil; {
		r.item = rest
		if rest = nil; r.as == codec.MsgPack {
			if r.item, rest, err = codec.Cut(r.item); err != nil {
				return true, errs.New(troupe.CodeInternal, "%s: a value: %v", r, err)
			}
		}
		r.busy.Store(true)
		more := r.yield(r.decoding, nil)
		r.busy.Store(false)
		if !more {
			r.stop()
			return true, nil
		}
		r.hasHandled(len(r.item))
	}
	return false, nil
}

// decode decodes the value that is yielded.
func (r *reading) decode(into any) error {
	if err := r.as.Unmarshal(r.item, into); err != nil {
		return &troupe.Error{Code: troupe.CodeInternal, Message: fmt.Sprintf("%s yields what is no %T: %v", r, into, err), Err: err}
	}
	return nil
}

// hasHandled gives the host credit for more, now and then.
func (r *reading) hasHandled(bytes int) {
	handled := r.handled.Add(1)
	if r.untold += bytes; handled-r.told >= credit/2 || r.untold >= handledBytes {
		r.told, r.untold = handled, 0
		r.say(handled)
	}
}

// stop tells the host that nobody reads any more.
func (r *reading) stop() {
	_ = r.all.nc.Publish(wire.Item(r.name, r.handled.Load()), []byte(wire.NoMoreItems)) // without, the next item finds that out
}

func (r *reading) lost(format string, args ...any) error {
	r.stop()
	return errs.New(troupe.CodeOutcomeUnknown, "%s: after %d values, "+format, append([]any{r, r.handled.Load()}, args...)...)
}

// failure is an error as the reader gets it.
func (r *reading) failure(err error) error {
	known := &troupe.Error{Code: troupe.CodeUnavailable, Message: err.Error(), Retryable: true, Err: err}
	switch found := errs.Find(err); {
	case found != nil:
		return found
	case errors.Is(err, context.DeadlineExceeded):
		known.Code, known.Message, known.Retryable = troupe.CodeDeadlineExceeded, "the time of its reader is over", false
	case errors.Is(err, context.Canceled):
		known.Code, known.Message, known.Retryable = troupe.CodeCanceled, "its reader gave up", false
	}
	known.Message = r.String() + ": " + known.Message
	return known
}

func (r *reading) String() string { return r.request.ID.String() + "." + r.request.Stream }
