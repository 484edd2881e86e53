package hosttest

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/travel"
	"github.com/troupe-go/troupe/internal/wire"
)

// Now is the time by which the actors on the bus run what they have scheduled: it is that of the machine until [Bus.Advance].
func (b *Bus) Now() time.Time { return b.clock.Now(time.Now()) }

// Advance moves the time by which actors run what they have scheduled. It goes from one due time to the next, in order, and
// waits there until what is due has run and is stored, also what was scheduled on the way, and what has failed and is tried
// again. So a year of daily reports takes a second, in parallel tests too. Actors that sleep are woken. What is due while no
// host runs its type waits for one, as in life.
//
// Messages of queues that wait for a time are handled at it, too, and before anything else those that do not.
//
// It waits for workflows too, until they wait or are over, but for no step longer than 10 s.
//
// Only schedules and queues see that time: a run finds it in [troupe.FiringOf], where Due is exactly when it was to run, while time.Now,
// deadlines, and when actors fall asleep do not change. Between two calls of Advance the time goes on by itself, but what an
// actor that sleeps had scheduled before a call runs in the next one.
func (b *Bus) Advance(d time.Duration) {
	b.tb.Helper()
	b.AdvanceTo(b.Now().Add(d))
}

// AdvanceTo is [Bus.Advance] to a time; what is due then runs too. With that of [Bus.NextDue] it is a single step. It runs what is
// due already, but moves nothing, when the time has passed or is zero.
func (b *Bus) AdvanceTo(t time.Time) {
	b.tb.Helper()
	b.advancing.Lock()
	defer b.advancing.Unlock()
	j := b.newJourney()
	defer j.cancel()
	b.clock.Stop(b.Now())
	defer func() {
		b.clock.Run(time.Now())
		j.tellHosts()
	}()
	runs := 0
	for {
		j.settle(j.ringing)
		j.settle(j.unhandled)
		j.rest()
		next := j.next()
		if len(next) == 0 || next[0].at.After(t) && next[0].at.After(b.Now()) {
			break
		}
		if next[0].at.After(b.Now()) {
			b.clock.Stop(next[0].at)
			runs = 0
		}
		if runs += len(next); runs > mostAtOnce {
			b.tb.Fatalf("hosttest: more than %d runs are due at %v, and there is no end of it: see %s", mostAtOnce, b.Now(), next[0].actor)
		}
		for _, one := range next {
			j.run(one)
		}
	}
	if t.After(b.Now()) {
		b.clock.Stop(t)
	}
}

// mostAtOnce is how many runs there may be at one time of the clock.
const mostAtOnce = 100_000

// NextDue returns when something is due next on the bus, or zero if nothing is.
func (b *Bus) NextDue() time.Time {
	b.tb.Helper()
	b.advancing.Lock()
	defer b.advancing.Unlock()
	j := b.newJourney()
	defer j.cancel()
	for {
		stops := j.next()
		if len(stops) == 0 {
			return time.Time{}
		}
		next := stops[0]
		due := next.at
		if next.alarm != 0 { // an alarm may be earlier than what is due, or for nothing
			due = j.dueOf(next)
		}
		if due.Equal(next.at) {
			return due
		}
		j.known[next.place] = due
	}
}

// dueOf asks an actor when something of it is due next. What it does not list, as when its workflow goes on, is in its record.
func (j *journey) dueOf(s stop) time.Time {
	var listed []troupe.ScheduleMessage
	err := j.clientOf(s.ns).Invoke(j.ctx, troupe.Invocation{ID: s.actor, Action: troupe.SchedulesAction, Existing: true, Out: &listed})
	switch {
	case errors.Is(err, troupe.ErrNotFound):
		return time.Time{}
	case err != nil:
		return s.at // as far as can be known
	}
	due := j.ownDue(s)
	for _, one := range listed {
		if at := time.UnixMilli(one.At); !one.Parked && (due.IsZero() || at.Before(due)) {
			due = at
		}
	}
	return due
}

// ownDue is the first of the schedules of Troupe's own that an actor has.
func (j *journey) ownDue(s stop) time.Time {
	records, err := store.FindRecords(j.ctx, j.b.traveller(), s.ns)
	if err != nil || records == nil {
		return time.Time{}
	}
	defer func() { _ = records.Close() }() // no write is in flight
	found, err := records.Get(j.ctx, s.actor)
	if err != nil {
		return time.Time{}
	}
	parts, err := found.Open()
	if err != nil {
		return time.Time{}
	}
	for one := range parts.Schedules().All() {
		if one.Internal() {
			return time.UnixMilli(one.At())
		}
	}
	return time.Time{}
}

// run has what is due at a stop run.
func (j *journey) run(s stop) {
	if s.alarm != 0 {
		j.ring(s)
		return
	}
	if s.later != 0 {
		j.ripen(s)
		return
	}
	if !s.awake { // it has rung
		return
	}
	rang := wire.Rang{At: s.at.UnixMilli(), Wake: true}
	err := j.clientOf(s.ns).Invoke(j.ctx, troupe.Invocation{ID: s.actor, Action: wire.DueAction, Existing: true, In: rang})
	if failed, ok := errors.AsType[*troupe.Error](err); ok && !failed.Retryable && failed.Code != troupe.CodeNotFound {
		j.b.tb.Fatalf("hosttest: running what %s has scheduled for %v: %v", s.actor, s.at, err)
	}
}

// ring has an alarm ring, as the server does at its time.
func (j *journey) ring(s stop) {
	stream, err := j.stream(s.ns)
	if err == nil {
		err = stream.DeleteMsg(j.ctx, s.alarm)
	}
	if err == nil {
		_, err = j.js.Publish(j.ctx, s.ns.Due(s.actor), wire.AlarmBody(s.at.UnixMilli()))
	}
	if err != nil && !isGone(err) {
		j.b.tb.Fatalf("hosttest: ringing the alarm of %s: %v", s.actor, err)
	}
	if err == nil {
		j.settle(func() *stop { return j.stillRings(stream, s.place) })
	}
}

// settle waits until what has rung was seen to.
func (j *journey) settle(ringing func() *stop) {
	began := time.Now()
	for wait := 50 * time.Microsecond; ; wait = min(2*wait, 20*time.Millisecond) {
		waits := ringing()
		if waits == nil {
			return
		}
		if time.Since(began) > travelTimeout {
			j.b.tb.Fatalf("hosttest: what %s has scheduled for %v, or a message for it, did not come to an end in %v",
				waits.actor, waits.at, travelTimeout)
		}
		if wait == 20*time.Millisecond {
			j.tellHosts() // one may not hear of alarms yet
		}
		time.Sleep(wait) // nobody tells that a ring is acked
	}
}

// restTimeout bounds how long a step of a workflow is waited for.
const restTimeout = 10 * time.Second

// rest waits until no workflow goes on: what they wait for next is due from the time on that it is now.
func (j *journey) rest() {
	for began := time.Now(); slices.ContainsFunc(j.b.clock.Hosts(), travel.Host.Works); time.Sleep(time.Millisecond) {
		if time.Since(began) > restTimeout {
			j.b.tb.Logf("hosttest: a workflow has gone on for %v: time goes on without it", restTimeout)
			return
		}
	}
}

func (j *journey) tellHosts() {
	ctx, cancel := context.WithTimeout(j.ctx, travelTimeout)
	defer cancel()
	for _, host := range j.b.clock.Hosts() {
		if err := host.Travel(ctx); err != nil {
			j.b.tb.Logf("hosttest: a host does not hear of alarms: %v", err)
		}
	}
}
