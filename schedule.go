package troupe

import (
	"context"
	"time"
)

// Scheduler has actions of one actor run later. The *actorhost.Context of a turn is the Scheduler of its own actor: what it
// schedules is a part of the turn, stored with its state and undone with its failure. [SchedulerOf] makes one for any actor.
// What is scheduled is a part of the actor: it goes with it when it is destroyed.
type Scheduler interface {
	// Schedule schedules an action, and returns the name of the schedule. Programs use [Action.After] and its siblings.
	Schedule(r ScheduleRequest) (name string, err error)
	// Unschedule cancels a schedule, and removes what is parked under its name. It reports whether there was anything.
	Unschedule(name string) (found bool, err error)
	// Schedules returns what is scheduled, by when it is due, and after that what is parked.
	Schedules() ([]Schedule, error)
}

// SchedulerOf returns the Scheduler of the actor that ref refers to, for a program or for another actor. Each of its methods
// is a call, which takes no longer than ctx: to schedule wakes the actor, and creates it unless ref is by [Get]. Within a turn
// of the actor itself use its Context.
func SchedulerOf(ctx context.Context, ref Reference) Scheduler {
	return remoteScheduler{ctx, ref.embedTroupeRef(), ref.ActorType()}
}

// ScheduleRequest says what is to be scheduled, untyped. Of At, After, Every and Cron one is set.
type ScheduleRequest struct {
	ActorType, Action string
	Input             any
	Name              string        // see [Named]
	At                time.Time     // once
	After             time.Duration // once, so much later
	Every             time.Duration // again and again, first after that time
	Cron              string        // again and again
	Zone              string        // of Cron: see [In]
	Missed            MissedPolicy
	Spread            time.Duration
	Volatile          bool
}

// Schedule is one action that an actor has scheduled.
type Schedule struct {
	Name, Action string
	Input        any           // as decoding without its type gives it
	Due          time.Time     // next; of what is parked, when it was due
	Every        time.Duration // zero: not so
	Cron, Zone   string
	Missed       MissedPolicy
	Volatile     bool

	// Of a run that has failed: how often it was tried, why it failed last, and whether it is given up: then it is parked, and
	// runs no more unless somebody retries it.
	Attempts int
	Error    string
	Parked   bool
	Times    int // how many runs were given up, of which this is the last
}

// MissedPolicy is what becomes of times of a recurring schedule that have passed while the actor could not run: no host was
// up, or the run before took too long.
type MissedPolicy string

const (
	// RunOnce runs once for all of them, the default. [Firing] tells how many there were.
	RunOnce MissedPolicy = "once"
	// RunAll runs once for each, the oldest first, but not for more than the last [MaxMissed].
	RunAll MissedPolicy = "all"
	// Skip runs for none of them. A time is missed when the next one has come too, or after a minute.
	Skip MissedPolicy = "skip"
)

// Limits of what an actor schedules.
const (
	// MaxSchedules is how many schedules an actor has at most.
	MaxSchedules = 1000
	// MaxScheduleBytes is how many bytes they take, with their inputs.
	MaxScheduleBytes = 128 << 10
	// MaxMissed is how many missed times [RunAll] makes up for.
	MaxMissed = 1000
)

// Firing says why a scheduled action runs.
type Firing struct {
	Name    string    // of the schedule
	Due     time.Time // when it was to run, however late it is
	Attempt int       // 1 for the first
	Missed  int       // how many earlier times this run makes up for; by cron, at most 100,000 are counted
}

// FiringKey is the key under which the context of a scheduled action's turn has its [Firing].
type FiringKey struct{}

// FiringOf returns why the action with this context runs. It is not ok for a call.
func FiringOf(ctx context.Context) (f Firing, ok bool) {
	f, ok = ctx.Value(FiringKey{}).(Firing)
	return f, ok
}

// ScheduleOption is an option of one schedule.
type ScheduleOption func(*ScheduleRequest)

// Named gives the schedule a name, spelt like any (see [CheckName]). A schedule that the actor has under this name already is
// replaced. Without it, Troupe makes a name that no other schedule has.
func Named(name string) ScheduleOption { return func(r *ScheduleRequest) { r.Name = name } }

// In sets the time zone of a cron schedule by its IANA name, such as "Europe/Berlin". Without it, it is UTC.
func In(zone string) ScheduleOption { return func(r *ScheduleRequest) { r.Zone = zone } }

// OnMissed sets what becomes of missed times of a recurring schedule: by default [RunOnce].
func OnMissed(p MissedPolicy) ScheduleOption { return func(r *ScheduleRequest) { r.Missed = p } }

// Spread moves each time of a recurring schedule later, by a part of d that depends on the actor and the name alone. So a
// million actors that all want nine o'clock do not all wake at once.
func Spread(d time.Duration) ScheduleOption { return func(r *ScheduleRequest) { r.Spread = d } }

// Volatile keeps the schedule in memory only: it costs no write, and is lost when the actor sleeps, moves or loses its host.
// It does not keep the actor awake, and a run of it that fails is not tried again. It works in the actor's own turns only.
func Volatile() ScheduleOption { return func(r *ScheduleRequest) { r.Volatile = true } }

// After runs the action once, d from now. The name is that of the schedule.
//
// A scheduled action runs as a turn: never early, and in the state exactly once, whatever dies in between. [FiringOf] tells it
// why it runs. If it fails, it is tried again, first after a second, then after times that double up to 5 minutes; after 20
// attempts the run is parked: see [Schedule]. Its output is dropped.
func (a Action[R, In, Out]) After(s Scheduler, d time.Duration, in In, options ...ScheduleOption) (name string, err error) {
	return a.schedule(s, ScheduleRequest{After: d, Input: in}, options)
}

// At is [Action.After] for a time. One that has passed is due at once.
func (a Action[R, In, Out]) At(s Scheduler, t time.Time, in In, options ...ScheduleOption) (name string, err error) {
	return a.schedule(s, ScheduleRequest{At: t, Input: in}, options)
}

// Every runs the action again and again, first d from now, then d after it was due, however long it takes: but never twice at a
// time. A run that fails is tried again until the next is due. Times that are missed follow [OnMissed]. The least d is a
// second, for a [Volatile] schedule a millisecond.
func (a Action[R, In, Out]) Every(s Scheduler, d time.Duration, in In, options ...ScheduleOption) (name string, err error) {
	return a.schedule(s, ScheduleRequest{Every: d, Input: in}, options)
}

// Cron is [Action.Every] by a cron expression of 5 fields (minute, hour, day, month, weekday), of 6 (seconds
// before those), or one of @hourly, @daily, @weekly, @monthly, @yearly. [In] sets the time zone. When clocks are set forward, a
// time that is skipped runs at the end of the gap; when they are set back, one that comes twice runs the first time. Those that
// run in every hour follow real time.
func (a Action[R, In, Out]) Cron(s Scheduler, expression string, in In, options ...ScheduleOption) (name string, err error) {
	return a.schedule(s, ScheduleRequest{Cron: expression, Input: in}, options)
}

func (a Action[R, In, Out]) schedule(s Scheduler, r ScheduleRequest, options []ScheduleOption) (string, error) {
	var ref R
	r.ActorType, r.Action = ref.ActorType(), a.name
	for _, option := range options {
		option(&r)
	}
	return s.Schedule(r)
}

// The actions of every actor type with which schedules are made and seen from outside, for programs in other languages.
const (
	// ScheduleAction schedules an action. The input is a [ScheduleMessage], the output the name.
	ScheduleAction = "_schedule"
	// UnscheduleAction cancels the schedule with the name in its input. The output says whether there was one.
	UnscheduleAction = "_unschedule"
	// SchedulesAction lists them: the output is a list of [ScheduleMessage]. It does not wake the actor.
	SchedulesAction = "_schedules"
	// FireAction runs the schedule with the name in its input now, or what is parked under it, and keeps its times. The output
	// says whether there was one.
	FireAction = "_fire"
)

// ScheduleMessage is a schedule on the wire, both asked for and listed. Durations are in milliseconds, times in milliseconds
// since 1970.
type ScheduleMessage struct {
	Name     string       `json:"name,omitempty"`
	Action   string       `json:"action"`
	Input    any          `json:"input"`           // null: none
	At       int64        `json:"at,omitempty"`    // when it is due
	After    int64        `json:"after,omitempty"` // only where it is asked for
	Every    int64        `json:"every,omitempty"`
	Cron     string       `json:"cron,omitempty"`
	Zone     string       `json:"zone,omitempty"`
	Missed   MissedPolicy `json:"missed,omitempty"`
	Spread   int64        `json:"spread,omitempty"`   // only where it is asked for
	Volatile bool         `json:"volatile,omitempty"` // from here on only where it is listed
	Attempts int          `json:"attempts,omitempty"`
	Error    string       `json:"error,omitempty"`
	Parked   bool         `json:"parked,omitempty"`
	Times    int          `json:"times,omitempty"`
}

// remoteScheduler is the Scheduler of an actor by calls.
type remoteScheduler struct {
	ctx       context.Context //nolint:containedctx // that of the calls: see [SchedulerOf]
	ref       Ref
	actorType string
}

func (s remoteScheduler) Schedule(r ScheduleRequest) (name string, err error) {
	switch {
	case r.ActorType != s.actorType:
		return "", badInput("%s.%s: the schedule is of %s", r.ActorType, r.Action, s.ref)
	case r.Volatile:
		return "", badInput("%s.%s: only an actor itself makes a volatile schedule", r.ActorType, r.Action)
	}
	message, err := r.Message()
	if err != nil {
		return "", err
	}
	err = s.ref.invoke(s.ctx, s.actorType, ScheduleAction, message, &name)
	return name, err
}

func (s remoteScheduler) Unschedule(name string) (found bool, err error) {
	err = s.ref.existingOnly().invoke(s.ctx, s.actorType, UnscheduleAction, name, &found)
	return found, err
}

func (s remoteScheduler) Schedules() ([]Schedule, error) {
	var listed []ScheduleMessage
	if err := s.ref.existingOnly().invoke(s.ctx, s.actorType, SchedulesAction, nil, &listed); err != nil {
		return nil, err
	}
	all := make([]Schedule, len(listed))
	for i, one := range listed {
		all[i] = one.Schedule()
	}
	return all, nil
}

// existingOnly is a reference whose calls create no actor.
func (r Ref) existingOnly() Ref {
	r.existing = true
	return r
}

// Message is the request as it travels. The error has [CodeBadInput]: a request says exactly one time.
func (r ScheduleRequest) Message() (ScheduleMessage, error) {
	set := 0
	for _, one := range [...]bool{!r.At.IsZero(), r.After != 0, r.Every != 0, r.Cron != ""} {
		if one {
			set++
		}
	}
	at, input := int64(0), r.Input
	if none, ok := input.(None); ok && none == nil {
		input = nil // as an interface it would not be
	}
	switch {
	case set > 1:
		return ScheduleMessage{}, badInput("%s.%s: a schedule has one of At, After, Every and Cron", r.ActorType, r.Action)
	case !r.At.IsZero():
		at = max(r.At.Add(time.Millisecond-1).UnixMilli(), 1) // rounded up, too; what is due before 1970 is due now
	}
	return ScheduleMessage{
		Name: r.Name, Action: r.Action, Input: input, At: at, After: millis(max(r.After, 0)), Every: millis(r.Every),
		Cron: r.Cron, Zone: r.Zone, Missed: r.Missed, Spread: millis(r.Spread),
	}, nil
}

// millis rounds up: nothing runs early.
func millis(d time.Duration) int64 {
	return int64((d + time.Millisecond - 1) / time.Millisecond)
}

// Schedule is what a message lists.
func (m ScheduleMessage) Schedule() Schedule {
	return Schedule{
		Name: m.Name, Action: m.Action, Input: m.Input, Due: time.UnixMilli(m.At).UTC(), Every: time.Duration(m.Every) * time.Millisecond,
		Cron: m.Cron, Zone: m.Zone, Missed: m.Missed, Volatile: m.Volatile,
		Attempts: m.Attempts, Error: m.Error, Parked: m.Parked, Times: m.Times,
	}
}
