package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/link"
	"github.com/troupe-go/troupe/internal/store"
)

// The log is read when an event is heard, and else every followEvery, since one may not have been heard. What was heard and is not there
// yet, for replicas lag, is looked for after lagPause, then twice that, and so on.
const followEvery, lagPause = 5 * time.Second, 10 * time.Millisecond

// logPatience is for how long a log that was read before may be unreadable.
const logPatience = time.Minute

// Follow yields the kept events of actors, and those that come: see [troupe.DurableEvent.Follow].
func (c *Client) Follow(ctx context.Context, r troupe.FollowRequest) iter.Seq2[troupe.Replayed, error] {
	return func(yield func(troupe.Replayed, error) bool) {
		at, err := store.ParseLogPlace(r.After)
		if err = cmp.Or(troupe.CheckName("event", r.Event), err); err != nil {
			yield(troupe.Replayed{}, err)
			return
		}
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		defer context.AfterFunc(c.life, func() { cancel(context.Cause(c.life)) })()
		f := following{client: c, request: r, at: at, heard: make(chan struct{}, 1), yield: yield}
		if err := f.run(ctx); err != nil {
			yield(troupe.Replayed{}, f.failure(err))
		}
	}
}

// following is one call of [Client.Follow].
type following struct {
	client  *Client
	request troupe.FollowRequest
	yield   func(troupe.Replayed, error) bool
	log     *store.Log     // nil: there was none yet
	at      store.LogPlace // of the last event
	checked time.Time      // that the log is the one of at
	heard   chan struct{}  // one element: an event was
	newest  atomic.Uint64  // the sequence of the last of those
}

// run returns nil if nobody wants more.
func (f *following) run(ctx context.Context) error {
	nc, subject := f.client.nc, f.client.ns.Events(f.request.Actors, f.request.Event)
	logName := store.LogName(f.client.ns)
	guard := link.NewGuard(ctx, nc, func(publish bool, denied string) bool {
		return !publish && (denied == subject || denied == "") ||
			publish && strings.HasPrefix(denied, "$JS.API.") && strings.Contains(denied+".", "."+logName+".")
	})
	defer guard.End()
	sub, err := nc.Subscribe(subject, f.hear)
	if err != nil {
		return link.Reason(nc, err)
	}
	defer func() { _ = sub.Unsubscribe() }() // it fails if the connection is closed
	var readable time.Time
	for lag := lagPause; ; {
		over, err := f.read(guard.Context())
		switch ended := cmp.Or(guard.Err(), context.Cause(ctx)); {
		case over:
			return nil
		case ended != nil:
			return ended
		case errors.Is(err, store.ErrOtherLog), err != nil && time.Since(readable) > logPatience:
			return link.Reason(nc, err)
		case err == nil:
			readable = time.Now()
		}
		most := followEvery
		if err == nil && f.newest.Load() > f.at.Sequence {
			most, lag = lag, min(2*lag, followEvery)
		} else {
			lag = lagPause
		}
		f.wait(guard.Context(), most)
	}
}

// hear is told of an event. It may be that of another name.
func (f *following) hear(msg *nats.Msg) {
	sequence, err := strconv.ParseUint(msg.Header.Get(jetstream.SequenceHeader), 10, 64)
	if err != nil || !strings.HasSuffix(msg.Subject, "."+f.request.Event) {
		return // not from the log
	}
	f.newest.Store(sequence)
	select {
	case f.heard <- struct{}{}:
	default:
	}
}

// read yields what the log has behind the last event. It reports whether nobody wants more.
func (f *following) read(ctx context.Context) (over bool, err error) {
	if f.log == nil {
		finding, cancel := context.WithTimeout(ctx, logPatience)
		f.log, err = store.FindLog(finding, f.client.nc, f.client.ns)
		cancel()
		switch {
		case err != nil:
			return false, err
		case f.log == nil && f.at.Sequence > 0:
			return false, fmt.Errorf("%w: there is none", store.ErrOtherLog)
		case f.log == nil:
			return false, nil
		}
	}
	if time.Since(f.checked) >= followEvery {
		if err := f.log.Has(ctx, f.at); err != nil {
			return false, err
		}
		f.checked = time.Now()
	}
	var since time.Time
	if f.at.Sequence == 0 {
		since = f.at.Time
	}
	for e, err := range f.log.ReadSubject(ctx, f.client.ns.Logs(f.request.Actors, f.request.Event), f.at.Sequence+1, since) {
		if err != nil {
			if other := f.log.Has(ctx, f.at); errors.Is(other, store.ErrOtherLog) { // it is gone
				err = other
			}
			return false, err
		}
		if f.at = f.log.PlaceOf(e); e.Event == f.request.Event && !f.yield(replayed(f.log, e), nil) {
			return true, nil
		}
	}
	return false, nil
}

// wait waits until an event is heard, or for a while.
func (f *following) wait(ctx context.Context, most time.Duration) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-f.heard:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// failure is an error as the caller gets it.
func (f *following) failure(err error) error {
	failed := unreadable(f.request.Actors, f.request.Event, err)
	switch {
	case errors.Is(err, store.ErrOtherLog):
		failed.Code, failed.Retryable = troupe.CodeNotFound, false
		failed.Message += "; begin with the first event that it has, or at a time"
	case errors.Is(err, context.Canceled):
		failed.Code, failed.Retryable = troupe.CodeCanceled, false
	case errors.Is(err, context.DeadlineExceeded):
		failed.Code, failed.Retryable = troupe.CodeDeadlineExceeded, false
	}
	return failed
}
