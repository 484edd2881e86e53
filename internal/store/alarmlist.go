package store

import (
	"context"
	"fmt"
	"iter"

	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

// Standing yields which actors have an alarm that is to ring, or that has rung and is not done with, and for when it is in
// milliseconds since 1970: an actor perhaps twice. There are none while the stream is not open. An error ends the list.
func (a *Alarms) Standing(ctx context.Context) iter.Seq2[StandingAlarm, error] {
	return func(yield func(StandingAlarm, error) bool) {
		stream := a.stream.Load()
		if stream == nil {
			return
		}
		for msg, err := range stream.scanBy(ctx, a.ns.Name()+".>", jetstreamext.GetBatchSeq(1), alarmsAtOnce) {
			if err != nil {
				yield(StandingAlarm{}, fmt.Errorf("listing the alarms: %w", err))
				return
			}
			id, ok := a.ns.ParseAlarm(msg.Subject)
			if !ok {
				id, ok = a.ns.ParseDue(msg.Subject)
			}
			if ok && !yield(StandingAlarm{id, wire.ParseAlarmBody(msg.Data)}, nil) {
				return
			}
		}
	}
}

// StandingAlarm is an alarm in a list.
type StandingAlarm struct {
	ID troupe.ID
	At int64
}

// Stands reports whether an actor has an alarm that rings for a time, in milliseconds since 1970, or earlier.
func (a *Alarms) Stands(ctx context.Context, id troupe.ID, at int64) (bool, error) {
	stream := a.stream.Load()
	if stream == nil {
		return false, nil
	}
	for _, subject := range []string{a.ns.Alarm(id), a.ns.Due(id)} { // in this order: an alarm may ring meanwhile
		msg, err := stream.newest(ctx, subject)
		if err != nil {
			return false, fmt.Errorf("looking for the alarm of %s: %w", id, err)
		}
		if msg != nil && wire.ParseAlarmBody(msg.Data) <= at {
			return true, nil
		}
	}
	return false, nil
}
