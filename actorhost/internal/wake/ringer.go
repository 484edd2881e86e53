package wake

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/faults"
	"github.com/troupe-go/troupe/internal/faultlog"
	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// RingerConfig configures a Ringer.
type RingerConfig struct {
	Alarms *store.Alarms
	Types  []string // whose actors the host runs
	Faults *faultlog.Log
	// For is told of an alarm that rings for an actor, and for what time. It says what is to be done, and when.
	For func(ctx context.Context, id troupe.ID, at time.Time) (due time.Time, v Verdict, err error)
	// Call calls an actor, on whichever host it is.
	Call func(ctx context.Context, call troupe.Invocation) error
	// UntilGivenUp ends when the host gives up what is under way. UntilStop ends earlier, when the host begins to stop.
	UntilGivenUp, UntilStop context.Context //nolint:containedctx // the life of the host
}

// Verdict is what is to be done about an alarm that rings.
type Verdict int

// The verdicts.
const (
	SeenTo Verdict = iota // nothing
	Ask                   // the actor is to be asked, where it is awake if it is
	Wake                  // the actor is to run what is due
)

// Ringer calls the actors whose alarms ring. The hosts of a type share that: each ring is delivered to one of them, a little
// before its time. It waits for that, calls the actor, and acks the ring when what was due has run and is stored, and the next
// alarm stands. A ring whose host dies is delivered to another.
type Ringer struct {
	config     RingerConfig
	deliveries deliveries
	calling    chan struct{} // one element for each call that counts
	running    sync.WaitGroup
	quit       chan struct{}
}

const (
	// ringPatience is after how long a ring goes to another host, unless it is in progress: longer than [store.AlarmLead].
	ringPatience = time.Second
	// ringsAtOnce is how many rings a host has in hand, and ringsAhead how many of a type it fetches ahead.
	ringsAtOnce, ringsAhead = 1024, 256
	// callsPerProcessor is how many actors a host calls at a time, for each processor, so that those who call others need not wait
	// for a crowd that is due at once. A call that takes longer than slowCall does not count any more.
	callsPerProcessor, slowCall = 8, 50 * time.Millisecond
	// ringTimeout limits what is done for one ring at a time.
	ringTimeout = 30 * time.Second
	// What cannot run is tried again after as long as it is late already, at least leastLater and at most mostLater.
	leastLater, mostLater = time.Second, 5 * time.Minute
	// readClockEvery is how often the server is asked for the time, and maxSkew how far the clock of the machine may be off before
	// that is told.
	readClockEvery, maxSkew = time.Minute, 250 * time.Millisecond
)

// What may fail for long.
const (
	hearingAlarms = "hearing of alarms failed"
	ringing       = "what an actor has scheduled could not run: it is tried again"
	lookingAfter  = "alarms have not rung in time"
	clocks        = "the clock of this machine is not that of the server, by which actors run what they have scheduled"
)

// StartRinger starts a ringer. It works as soon as the alarms are open. Callers must Stop it, once UntilStop has ended.
func StartRinger(config RingerConfig) *Ringer {
	r := &Ringer{
		config: config, deliveries: newDeliveries(ringsAtOnce), quit: make(chan struct{}),
		calling: make(chan struct{}, callsPerProcessor*runtime.GOMAXPROCS(0)),
	}
	r.running.Go(func() {
		select {
		case <-config.Alarms.Opened():
		case <-config.UntilStop.Done():
			return
		}
		for _, actorType := range config.Types {
			r.running.Go(func() { r.serve(actorType) })
		}
		r.running.Go(r.keepInProgress)
		r.running.Go(r.keepTime)
		r.running.Go(func() {
			store.LookAfterStuck(config.UntilStop, config.Faults, lookingAfter, "alarms", config.Alarms.RingStuck)
		})
	})
	return r
}

// Stop waits for the calls under way, which end when UntilGivenUp does. What is not acked goes to other hosts.
func (r *Ringer) Stop() {
	close(r.quit)
	r.running.Wait()
}

// serve takes the rings of a type until the host stops.
func (r *Ringer) serve(actorType string) {
	failed := func(err error) { r.config.Faults.Failed(hearingAlarms, store.Cause(err), err) }
	for r.config.UntilStop.Err() == nil {
		feed, err := r.config.Alarms.Rings(r.config.UntilStop, actorType, ringPatience, ringsAhead, failed)
		if err != nil {
			if r.config.UntilStop.Err() == nil {
				failed(err)
			}
			pause.For(r.config.UntilStop, time.Second)
			continue
		}
		stop := context.AfterFunc(r.config.UntilStop, feed.Stop)
		for fed, ok := feed.Next(); ok; fed, ok = feed.Next() {
			r.config.Faults.Works(hearingAlarms)
			d := r.deliveries.begin(fed)
			r.running.Go(func() { r.ring(d) })
		}
		stop()
		feed.Stop()
	}
}

// ring sees to one ring.
func (r *Ringer) ring(d *delivery) {
	at := time.UnixMilli(wire.ParseAlarmBody(d.Data))
	if !faults.RingAcks {
		d.Ack()
	}
	for {
		due, err := r.callAt(d, at)
		switch {
		case r.config.UntilStop.Err() != nil && err != nil:
			d.answer(time.Millisecond) // at once, to another host
			return
		case err == nil:
			r.config.Faults.Works(ringing)
			faults.At(faults.BeforeAck)
			d.answer(noRetry)
			return
		}
		if !errors.Is(err, troupe.ErrDeadlineExceeded) { // then it may run still
			r.config.Faults.Failed(ringing, store.Cause(err), err, slog.String("actor_type", d.Actor.Type()),
				slog.String("actor_key", d.Actor.KeyString()))
		}
		if r.later(d.Actor, due) == nil {
			d.answer(noRetry)
			return
		}
		if !pause.For(r.config.UntilStop, leastLater) {
			d.answer(time.Millisecond)
			return
		}
	}
}

// callAt calls an actor when it is time. It returns when that is.
func (r *Ringer) callAt(d *delivery, at time.Time) (time.Time, error) {
	ctx, cancel := context.WithTimeout(r.config.UntilGivenUp, ringTimeout)
	defer cancel()
	due, verdict, err := r.config.For(ctx, d.Actor, at)
	if err != nil || verdict == SeenTo {
		return due, err
	}
	if !pause.For(r.config.UntilStop, due.Sub(r.config.Alarms.Now())) {
		return due, r.config.UntilStop.Err()
	}
	err = r.call(ctx, d.Actor, wire.Rang{At: at.UnixMilli(), Sequence: d.Sequence, Wake: verdict == Wake, Again: d.Delivered > 1})
	if errors.Is(err, troupe.ErrNotFound) { // it was destroyed
		return due, nil
	}
	return due, err
}

// call calls an actor, when not too many others are called.
func (r *Ringer) call(ctx context.Context, id troupe.ID, rang wire.Rang) error {
	select {
	case r.calling <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	done := sync.OnceFunc(func() { <-r.calling })
	defer done()
	defer time.AfterFunc(slowCall, done).Stop()
	return r.config.Call(ctx, troupe.Invocation{ID: id, Action: wire.DueAction, Existing: true, In: rang})
}

// later sets an alarm for an actor that could not be called, so that its ring does not hold up others.
func (r *Ringer) later(id troupe.ID, due time.Time) error {
	ctx, cancel := context.WithTimeout(r.config.UntilGivenUp, ringTimeout)
	defer cancel()
	now := r.config.Alarms.Now()
	wait := min(max(now.Sub(due), leastLater), mostLater)
	_, err := r.config.Alarms.SetNow(ctx, id, now.Add(wait).UnixMilli())
	return err
}

// keepInProgress reports the rings that are in hand for long.
func (r *Ringer) keepInProgress() {
	ticker := time.NewTicker(ringPatience / 2)
	defer ticker.Stop()
	for {
		select {
		case <-r.quit:
			return
		case <-ticker.C:
		}
		r.deliveries.inProgress()
	}
}

// keepTime keeps up with the clock of the server, and tells when that of the machine is another.
func (r *Ringer) keepTime() {
	for {
		if skew := r.config.Alarms.Skew(); skew.Abs() > maxSkew {
			r.config.Faults.Failed(clocks, "", errSkew, slog.Duration("ahead", skew.Round(time.Millisecond)))
		} else {
			r.config.Faults.Works(clocks)
		}
		if !pause.For(r.config.UntilStop, readClockEvery) {
			return
		}
		ctx, cancel := context.WithTimeout(r.config.UntilStop, ringTimeout)
		_ = r.config.Alarms.ReadClock(ctx) // the next time
		cancel()
	}
}

var errSkew = errors.New("one of them is wrong: hosts go by the server's")
