package store

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/record"
)

// rebuilding is how long others leave it to a host that has begun to set alarms again: all have noticed by then what was replaced.
// rebuildsAtOnce is how many that host sets at a time.
const rebuilding, rebuildsAtOnce = 15 * time.Second, 64

var errRebuilding = errors.New("another host sets the alarms again")

// BeginRebuild is for a host that wants to set all alarms again. The error is that another has begun to.
func (a *Alarms) BeginRebuild(ctx context.Context) error {
	stream := a.stream.Load()
	if stream == nil {
		return errNotSent
	}
	mark, expected := a.ns.Name()+".due._rebuild", uint64(0) // no type has the name
	last, err := stream.newest(ctx, mark)
	switch {
	case err != nil:
		return err
	case last != nil && a.Now().Sub(last.Time) < rebuilding:
		return errRebuilding
	case last != nil:
		expected = last.Sequence
	}
	_, err = stream.write(ctx, &nats.Msg{Subject: mark}, expected, 0)
	return err
}

// RebuildAlarms sets the alarms of all actors that have scheduled anything, as their records say. It returns how many stand now.
func RebuildAlarms(ctx context.Context, records *Records, alarms *Alarms) (set int, err error) {
	var count atomic.Int64
	var setting errgroup.Group
	setting.SetLimit(rebuildsAtOnce)
	for one, err := range records.List(ctx, "") {
		if errors.Is(err, record.ErrCorrupt) {
			continue
		}
		if err != nil {
			return int(count.Load()), errors.Join(fmt.Errorf("listing the records: %w", err), setting.Wait())
		}
		at := alarms.due(&one)
		if at == 0 {
			continue
		}
		id := one.ID
		setting.Go(func() error { return alarms.rebuild(ctx, id, at, &count) })
	}
	err = setting.Wait()
	return int(count.Load()), err
}

func (a *Alarms) rebuild(ctx context.Context, id troupe.ID, at int64, count *atomic.Int64) error {
	_, err := a.SetNow(ctx, id, at)
	if err == nil {
		count.Add(1)
	}
	return err
}

// due is when the alarm of a record must ring at the latest, or zero.
func (a *Alarms) due(one *ListedRecord) int64 {
	parts, err := one.Open()
	if err != nil {
		return 0
	}
	s := parts.Schedules()
	first := s.First()
	if first == 0 {
		return 0
	}
	return s.AlarmFor(first, a.Now().UnixMilli())
}
