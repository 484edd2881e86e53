package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/wire"
)

// An alarm only ever becomes earlier, as long as it has not rung: whoever sets one, and finds another that is earlier, leaves
// that. So a host that has lost an actor without knowing it does no harm, and no two hosts need agree. It becomes later by
// ringing: who hears that looks at the record, and sets the next one before it takes the ring away.

const (
	// AlarmLead is how much earlier than what is due an alarm rings. JetStream is up to a quarter of a second late.
	AlarmLead = 500 * time.Millisecond
	// alarmTries is how often it is tried to set an alarm that others set too.
	alarmTries = 8
	// alarmTimeout bounds how long that takes.
	alarmTimeout = 10 * time.Second
)

// Set has an alarm of an actor stand for a time at the latest, in milliseconds since 1970. Of known, the sequence of the last
// one counts, if that has not rung. What has the time of rang, and was set before that ring, has rung, though it may still be
// seen. Done is called with the alarm that stands, which may be for an earlier time: on a goroutine of the records, which it must
// not block, or on one that spawn has started. The error is [ErrOutcomeUnknown] if the alarm may stand.
func (a *Alarms) Set(
	ctx context.Context, id troupe.ID, at int64, known, rang record.Alarm, spawn func(func()), done func(record.Alarm, error),
) {
	stream := a.stream.Load()
	if stream == nil {
		spawn(func() { done(a.SetNow(ctx, id, at)) })
		return
	}
	w, err := a.records.ensureWriter()
	if err != nil {
		done(record.Alarm{}, err)
		return
	}
	w.sendNow(stream, a.alarm(id, at, known.Sequence, func(o Outcome) {
		if o.Err == nil {
			stream.reach(o.Revision)
			done(record.Alarm{At: at, Sequence: o.Revision}, nil)
			return
		}
		spawn(func() { done(a.setAgain(ctx, stream, id, at, rang, o.Err)) })
	}))
}

func (a *Alarms) alarm(id troupe.ID, at int64, expected uint64, done func(Outcome)) prepared {
	due := time.UnixMilli(at)
	ring, now := due.Add(-AlarmLead), a.Now()
	if ring.Before(now) {
		ring = due // it may ring twice, but not in a circle
	}
	if a.settings.Clock != nil {
		ring = ring.Add(a.serverTime().Sub(now))
	}
	return prepared{
		subject: a.ns.Alarm(id), expected: expected, header: a.ns.AlarmHeader(id, ring), value: wire.AlarmBody(at), done: done,
	}
}

// setAgain goes on where an alarm could not be set at once: another may stand.
func (a *Alarms) setAgain(
	ctx context.Context, stream *bucket, id troupe.ID, at int64, rang record.Alarm, failed error,
) (record.Alarm, error) {
	ctx, cancel := context.WithTimeout(ctx, alarmTimeout)
	defer cancel()
	for range alarmTries {
		if !errors.Is(failed, ErrConflict) && !errors.Is(failed, ErrOutcomeUnknown) {
			break
		}
		last, err := stream.newest(ctx, a.ns.Alarm(id))
		if err != nil {
			return record.Alarm{}, fmt.Errorf("setting the alarm of %s: %w: %w", id, ErrOutcomeUnknown, err)
		}
		expected := uint64(0)
		if last != nil {
			expected = last.Sequence
			stands := wire.ParseAlarmBody(last.Data)
			if hasRung := stands == rang.At && expected < rang.Sequence; stands <= at && !hasRung && !a.Blind {
				return record.Alarm{At: stands, Sequence: expected}, nil
			}
		}
		set, err := a.trySet(stream, id, at, expected)
		if err == nil {
			return set, nil
		}
		failed = err
	}
	return record.Alarm{}, fmt.Errorf("setting the alarm of %s: %w", id, failed)
}

// trySet sets an alarm if the last one of the actor is the expected one.
func (a *Alarms) trySet(stream *bucket, id troupe.ID, at int64, expected uint64) (record.Alarm, error) {
	w, err := a.records.ensureWriter()
	if err != nil {
		return record.Alarm{}, err
	}
	acked := make(chan Outcome, 1)
	w.sendNow(stream, a.alarm(id, at, expected, func(o Outcome) { acked <- o }))
	o := <-acked // each write has an outcome in time
	if o.Err != nil {
		return record.Alarm{}, o.Err
	}
	stream.reach(o.Revision)
	return record.Alarm{At: at, Sequence: o.Revision}, nil
}

// SetNow is Set for a caller that waits.
func (a *Alarms) SetNow(ctx context.Context, id troupe.ID, at int64) (record.Alarm, error) {
	opening, cancel := context.WithTimeout(ctx, alarmTimeout)
	defer cancel()
	if err := a.Open(opening); err != nil {
		return record.Alarm{}, err
	}
	stream := a.stream.Load()
	set, err := a.trySet(stream, id, at, 0) // mostly there is none
	if err != nil {
		return a.setAgain(ctx, stream, id, at, record.Alarm{}, err)
	}
	return set, nil
}
