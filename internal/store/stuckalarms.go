package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/troupe-go/troupe/internal/faultlog"
	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/wire"
)

// A server tries once to have an alarm ring. If it could not store the ring, because there was no room for example, the alarm stays
// where it is and rings no more, until it is written again or another server leads the stream. So hosts look after alarms.

const (
	// stuckAfter is how long after its time an alarm that is still there counts as stuck. Servers are up to half a second late.
	stuckAfter = 5 * time.Second
	// stuckEvery is how often hosts look for such alarms, or more rarely: all looks together take one part of stuckShare of the time.
	stuckEvery = 20 * time.Second
	stuckShare = 100
	// alarmsAtOnce is how many are read at a time: for each request the server counts what is left of the stream.
	alarmsAtOnce = 4096
)

// errStuck is what the log says of those that had to be written again.
var errStuck = errors.New("the server has not let them ring in time, and does now")

// LookAfterStuck has ring look for such alarms, or for messages that wait like them, until ctx ends, and tells of what it finds.
func LookAfterStuck(ctx context.Context, log *faultlog.Log, what, of string, ring func(context.Context) (int, error)) {
	for pause.For(ctx, stuckEvery) {
		switch rung, err := ring(ctx); {
		case ctx.Err() != nil:
		case err != nil:
			log.Failed(what, Cause(err), err)
		case rung > 0:
			log.Failed(what, "", errStuck, slog.Int(of, rung))
		default:
			log.Works(what)
		}
	}
}

// RingStuck has alarms ring that should have rung, and returns how many. Only one of the hosts that call it looks for them at a time,
// and only every so often; with the others it does nothing.
func (a *Alarms) RingStuck(ctx context.Context) (rung int, err error) {
	stream := a.stream.Load()
	if stream == nil {
		return 0, nil
	}
	mark := a.ns.Name() + ".due._stuck" // no type has the name
	return stream.ringStuck(ctx, mark, a.ns.Name()+".alarm.>", a.Now, func(msg *jetstream.RawStreamMsg) (at time.Time, header nats.Header) {
		at = time.UnixMilli(wire.ParseAlarmBody(msg.Data))
		id, ok := a.ns.ParseAlarm(msg.Subject)
		if !ok {
			return at, nil
		}
		return at, a.ns.AlarmHeader(id, at)
	})
}

// ringStuck writes messages again that should have been published by now, of those whose subjects match a filter. When that is, and
// with which headers, read says; without headers it is left. A mark says when somebody looks next.
func (b *bucket) ringStuck(
	ctx context.Context, mark, filter string, clock func() time.Time, read func(*jetstream.RawStreamMsg) (time.Time, nats.Header),
) (rung int, err error) {
	last, err := b.newest(ctx, mark)
	if err != nil {
		return 0, err
	}
	began, expected := clock(), uint64(0)
	if last != nil {
		if until := wire.ParseAlarmBody(last.Data); until > began.UnixMilli() && began.Sub(last.Time) >= 0 {
			return 0, nil
		}
		expected = last.Sequence
	}
	next := func(pause time.Duration) *nats.Msg {
		return &nats.Msg{Subject: mark, Data: wire.AlarmBody(began.Add(pause).UnixMilli())}
	}
	if expected, err = b.write(ctx, next(stuckEvery), expected, 0); errors.Is(err, ErrConflict) {
		return 0, nil // another host looks
	} else if err != nil {
		return 0, err
	}
	for msg, err := range b.scanBy(ctx, filter, jetstreamext.GetBatchSeq(1), alarmsAtOnce) {
		if err != nil {
			return rung, fmt.Errorf("looking for what is stuck: %w", err)
		}
		at, header := read(msg)
		if header == nil || clock().Sub(at) < stuckAfter {
			continue
		}
		again := &nats.Msg{Subject: msg.Subject, Header: header, Data: msg.Data}
		switch _, err := b.write(ctx, again, msg.Sequence, 0); {
		case err == nil:
			rung++
		case !errors.Is(err, ErrConflict):
			return rung, fmt.Errorf("something is stuck: %w", err)
		}
	}
	if pause := stuckShare * clock().Sub(began); pause > stuckEvery {
		_, err = b.write(ctx, next(pause), expected, 0)
	}
	return rung, err
}

// RingStuck is [Alarms.RingStuck] for messages that wait.
func (q *Queues) RingStuck(ctx context.Context) (rung int, err error) {
	s := q.streams.Load()
	if s == nil {
		return 0, nil
	}
	mark := q.ns.Name() + ".ripe._stuck" // no type has the name
	filter := q.ns.Name() + ".later.>"
	return s.later.ringStuck(ctx, mark, filter, q.Now, func(msg *jetstream.RawStreamMsg) (at time.Time, header nats.Header) {
		id, queue, message, ok := q.ns.ParseMoved(msg.Subject, "later")
		if !ok {
			return at, nil
		}
		m := Message{Actor: id, Queue: queue, ID: message, Header: msg.Header}
		if at = m.NotBefore(); at.IsZero() { // no host has moved it
			return at, nil
		}
		return at, q.laterHeader(&m, at)
	})
}
