package actorhost

import (
	"fmt"
	"hash/fnv"
	"reflect"
	"slices"
	"time"

	"github.com/nats-io/nuid"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/calendar"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/wire"
)

// The least pause between two runs of a schedule.
const minEvery, minVolatileEvery = time.Second, time.Millisecond

// maxDuration is the longest of a schedule.
const maxDuration = 100 * 366 * 24 * time.Hour

// maxScheduleTime is the latest time for which something can be scheduled.
var maxScheduleTime = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// Schedule implements [troupe.Scheduler] for the running actor. The first time on a host it opens the stream of alarms.
func (c *Context) Schedule(r troupe.ScheduleRequest) (name string, err error) {
	endpoint, err := c.schedulable(&r)
	if err != nil {
		return "", err
	}
	input, err := endpoint.scheduledInput(r.Input)
	if err != nil {
		return "", errs.New(troupe.CodeBadInput, "%s.%s: the input of the schedule: %v", c.a.id, r.Action, err)
	}
	return c.schedule(&r, input)
}

// schedulable checks what a schedule is of, and returns it.
func (c *Context) schedulable(r *troupe.ScheduleRequest) (*endpoint, error) {
	if err := c.refusedTo("schedule", r.Action); err != nil {
		return nil, err
	}
	if r.ActorType != c.Type() {
		return nil, errs.New(troupe.CodeBadInput, "%s cannot schedule %s, an action of %s", c.a.id, r.Action, r.ActorType)
	}
	endpoint := c.a.kind.actions[r.Action]
	if endpoint == nil || wire.Builtin(r.Action) && r.Action != troupe.DestroyAction {
		return nil, errs.New(troupe.CodeUnknownAction, "the actor type %q has no action %.100q to schedule, it has %s",
			c.Type(), r.Action, c.a.kind.own)
	}
	return endpoint, nil
}

// scheduledInput encodes an input that is kept until the action runs.
func (e *endpoint) scheduledInput(value any) (data []byte, err error) {
	err = protect(func() error { // methods of the input may run
		if data, err = codec.MsgPack.Append(nil, codec.Filled(value)); err != nil || reflect.TypeOf(value) == e.takes {
			return err
		}
		return codec.MsgPack.Unmarshal(data, reflect.New(e.input()).Interface())
	})
	return data, err
}

// schedule makes a schedule, whose input is msgpack.
func (c *Context) schedule(r *troupe.ScheduleRequest, input []byte) (name string, err error) {
	if r.Name == "" {
		r.Name = newScheduleName()
	}
	if err := troupe.CheckName("schedule", r.Name); err != nil {
		return "", err
	}
	alarms := c.a.host.alarms
	if !r.Volatile {
		if err := alarms.Open(c); err != nil {
			return "", errs.Unavailable("scheduling %s of %s: %v", r.Action, c.a.id, err)
		}
	}
	one, err := c.a.scheduled(r, alarms.Now())
	if err != nil {
		if known := errs.Find(err); known != nil {
			return "", known
		}
		return "", errs.New(troupe.CodeBadInput, "scheduling %s of %s: %v", r.Action, c.a.id, err)
	}
	one.Input = input
	return r.Name, c.putSchedule(one, r.Volatile)
}

// newScheduleName is one that no other schedule has.
func newScheduleName() string { return "s" + nuid.Next() } // a name begins with a letter

// scheduled is what a request asks for.
func (a *activation) scheduled(r *troupe.ScheduleRequest, now time.Time) (record.Scheduled, error) {
	one := record.Scheduled{Name: r.Name, Action: r.Action, Set: ceilMilli(now)}
	if _, err := r.Message(); err != nil {
		return one, err
	}
	if err := checkPolicy(r); err != nil {
		return one, err
	}
	if r.Missed != troupe.RunOnce {
		one.Policy = string(r.Missed)
	}
	if r.Spread > 0 {
		one.Offset = spreadOffset(a.id, r.Name, r.Spread)
	}
	offset := time.Duration(one.Offset) * time.Millisecond
	due := now.Add(r.After)
	switch {
	case r.Cron != "":
		cron, err := calendar.ParseCron(r.Cron, r.Zone)
		if err != nil {
			return one, err
		}
		one.Cron, one.Zone = r.Cron, r.Zone
		due = cron.Next(now.Add(-offset)).Add(offset)
	case r.Every != 0:
		least := minEvery
		if r.Volatile {
			least = minVolatileEvery
		}
		if r.Every < least {
			return one, fmt.Errorf("every %v is more often than every %v", r.Every, least)
		}
		one.Every = r.Every.Milliseconds()
		due = now.Add(r.Every + offset)
	case !r.At.IsZero():
		due = r.At
	}
	if due.After(maxScheduleTime) {
		return one, fmt.Errorf("%v is too late", due)
	}
	one.Due = max(ceilMilli(due), 1) // what was due before 1970 is due now
	return one, nil
}

func checkPolicy(r *troupe.ScheduleRequest) error {
	recurs := r.Cron != "" || r.Every != 0
	switch {
	case !slices.Contains([]troupe.MissedPolicy{"", troupe.RunOnce, troupe.RunAll, troupe.Skip}, r.Missed):
		return fmt.Errorf("there is no policy %.40q for what is missed: there are %s, %s and %s",
			r.Missed, troupe.RunOnce, troupe.RunAll, troupe.Skip)
	case r.Zone != "" && r.Cron == "":
		return fmt.Errorf("only a cron expression has a time zone, such as %.40q", r.Zone)
	case !recurs && (r.Missed != "" || r.Spread != 0):
		return fmt.Errorf("what runs once is neither missed nor spread")
	case r.Spread < 0 || r.Every < 0:
		return fmt.Errorf("a duration is negative")
	case r.Spread > maxDuration || r.Every > maxDuration:
		return fmt.Errorf("a duration is longer than %v", maxDuration)
	}
	return nil
}

// spreadOffset is by how much a schedule is moved: less than spread.
func spreadOffset(id troupe.ID, name string, spread time.Duration) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id.Tokens() + " " + name))
	sum := h.Sum64()
	sum ^= sum >> 33 // keys that are alike differ in few bits only
	sum *= 0xff51afd7ed558ccd
	sum ^= sum >> 33
	return int64(sum % uint64(max(spread.Milliseconds(), 1)))
}

// ceilMilli is a time in milliseconds since 1970, and not an earlier one.
func ceilMilli(t time.Time) int64 {
	milli := t.UnixMilli()
	if time.UnixMilli(milli).Before(t) {
		milli++
	}
	return milli
}
