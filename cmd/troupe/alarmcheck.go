package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

// alarmCheck finds the actors that have scheduled something for which no alarm would wake them.
type alarmCheck struct {
	connection
	records  *store.Records
	hosts    map[string]store.HostEntry
	store    *store.Alarms
	standing map[troupe.ID]int64 // the earliest alarm of each, as they were before the records
	suspects map[troupe.ID]suspect

	mu     sync.Mutex
	silent sample
	found  []suspect // which need an alarm
}

// suspect is an actor whose alarm was not there.
type suspect struct {
	id    troupe.ID
	owner string
	at    int64 // when its earliest schedule is due, in milliseconds since 1970
	claim int64 // for when its record says that an alarm stands, if that is yet to ring; else no time is later
}

// alarmFor is for when it needs an alarm: who loads the record takes the one that it names for granted.
func (s suspect) alarmFor() int64 { return min(s.at, s.claim) }

// findAlarms reads the alarms. If their stream is gone, a repair makes it with so many replicas.
func findAlarms(
	ctx context.Context, c connection, records *store.Records, hosts map[string]store.HostEntry, replicas int,
) (*alarmCheck, error) {
	a := &alarmCheck{
		connection: c, records: records, hosts: hosts, standing: make(map[troupe.ID]int64), suspects: make(map[troupe.ID]suspect),
		store: store.NewAlarms(c.nc, c.namespace, records, store.Settings{Replicas: replicas}),
	}
	asking, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	if _, err := a.store.Check(asking); err != nil {
		return nil, err
	}
	for one, err := range a.store.Standing(ctx) {
		if err != nil {
			return nil, err
		}
		if at, ok := a.standing[one.ID]; !ok || one.At < at {
			a.standing[one.ID] = one.At
		}
	}
	return a, nil
}

// compare compares what a record has scheduled with the alarms.
func (a *alarmCheck) compare(one store.ListedRecord, s *record.Schedules) {
	missing := suspect{id: one.ID, owner: one.Owner, at: s.First(), claim: math.MaxInt64}
	if missing.at != 0 && s.Alarm.At > a.store.Now().UnixMilli() {
		missing.claim = s.Alarm.At
	}
	if at, ok := a.standing[one.ID]; missing.at != 0 && (!ok || at > missing.alarmFor()) {
		a.suspects[one.ID] = missing
	} else {
		delete(a.suspects, one.ID) // where it was written meanwhile
	}
}

// suspectsAtOnce is how many actors are looked at, or given an alarm, at a time.
const suspectsAtOnce = 64

// findings looks at the suspects again: most have set their alarm meanwhile.
func (a *alarmCheck) findings(ctx context.Context) ([]finding, error) {
	if a == nil || len(a.suspects) == 0 {
		return nil, nil
	}
	if err := a.confirm(ctx); err != nil {
		return nil, err
	}
	if a.silent.count == 0 {
		return nil, nil
	}
	return []finding{{
		Level: isWrong, Actors: a.silent.actors,
		Text:   fmt.Sprintf("%d actors have scheduled something and have no alarm for it", a.silent.count),
		Remedy: "their stream was lost or put back to an older copy: what they have scheduled runs only while they are awake",
		repair: a.setAll,
	}}, nil
}

func (a *alarmCheck) confirm(ctx context.Context) error {
	cl, err := a.newClient()
	if err != nil {
		return err
	}
	var all errgroup.Group
	all.SetLimit(suspectsAtOnce)
	for _, one := range a.suspects {
		all.Go(func() error { return a.lookAgain(ctx, cl, one) })
	}
	return errors.Join(all.Wait(), cl.Close(context.WithoutCancel(ctx)))
}

// looks is how often an actor is looked at that runs what is due just then.
const looks = 3

// lookAgain finds out whether an actor has no alarm for what it has scheduled. What that is may change meanwhile.
func (a *alarmCheck) lookAgain(ctx context.Context, cl *client.Client, one suspect) error {
	at, err := a.firstOf(ctx, cl, one)
	for range looks {
		if one.at = at; err != nil || at == 0 {
			return err
		}
		if stands, err := a.store.Stands(ctx, one.id, one.alarmFor()); err != nil || stands {
			return err
		}
		if at, err = a.firstOf(ctx, cl, one); err == nil && at == one.at {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.silent.add(one.id)
			a.found = append(a.found, one)
			return nil
		}
	}
	return err
}

// firstOf is when the earliest schedule of an actor is due, or zero. If the host that owns the actor is up, only that knows.
func (a *alarmCheck) firstOf(ctx context.Context, cl *client.Client, one suspect) (first int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	if _, up := a.hosts[one.owner]; up {
		var listed []troupe.ScheduleMessage
		err := cl.Invoke(ctx, troupe.Invocation{ID: one.id, Action: troupe.SchedulesAction, Existing: true, Out: &listed})
		if err == nil {
			for _, s := range listed {
				if !s.Volatile && !s.Parked && (first == 0 || s.At < first) {
					first = s.At
				}
			}
			return first, nil
		}
	}
	found, err := a.records.Get(ctx, one.id)
	var parts record.Parts
	if err == nil {
		parts, err = found.Open()
	}
	if errors.Is(err, record.ErrCorrupt) {
		return 0, nil // it is since it was listed
	}
	return parts.Schedules().First(), err
}

// setAll sets the alarms that are missing. Their stream is made if it is gone.
func (a *alarmCheck) setAll(ctx context.Context) error {
	var all errgroup.Group
	all.SetLimit(suspectsAtOnce)
	for _, one := range a.found {
		all.Go(func() error {
			_, err := a.store.SetNow(ctx, one.id, one.alarmFor())
			return err
		})
	}
	return all.Wait()
}
