package actorhost

import (
	"fmt"
	"reflect"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/wire"
)

// builtins are the actions of every actor type that run as those of its contract do.
var builtins = map[string]action{
	troupe.DestroyAction:    destroy,
	troupe.MoveAction:       builtin(func(*Context, input) (any, error) { return troupe.None(nil), nil }), // it has woken where it is to be
	troupe.ScheduleAction:   builtin(scheduleFor),
	troupe.UnscheduleAction: builtin(func(c *Context, in input) (any, error) { return namedSchedule(c, in, c.Unschedule) }),
	troupe.FireAction:       builtin(func(c *Context, in input) (any, error) { return namedSchedule(c, in, c.fire) }),
	troupe.SchedulesAction:  builtin(func(c *Context, _ input) (any, error) { return c.listSchedules() }),

	troupe.WorkflowAction:       builtin((*Context).showWorkflow),
	troupe.CancelWorkflowAction: builtin(cancelWorkflow),
	troupe.RetryWorkflowAction:  builtin(retryWorkflow),
}

// addBuiltins adds them to types.
func addBuiltins(types map[string]*actorType) {
	for _, t := range types {
		for name, run := range builtins {
			t.actions[name].run = run
		}
		t.actions[troupe.ScheduleAction].same, t.actions[troupe.ScheduleAction].gives = t.sameSchedule, reflect.TypeFor[string]()
		for _, name := range [...]string{troupe.UnscheduleAction, troupe.FireAction} {
			t.actions[name].same, t.actions[name].gives = sameText, reflect.TypeFor[bool]()
		}
		t.actions[troupe.CancelWorkflowAction].same = sameText
	}
}

// builtin is an action without the state.
func builtin(run func(c *Context, in input) (any, error)) action {
	return func(_ any, c *Context, in input, dst []byte) ([]byte, error) {
		out, err := run(c, in)
		if err != nil {
			return nil, err
		}
		return in.as.Append(dst, out)
	}
}

// namedSchedule calls f with the name of a schedule.
func namedSchedule(c *Context, in input, f func(name string) (bool, error)) (bool, error) {
	var name string
	if err := in.as.Unmarshal(in.body, &name); err != nil {
		return false, errs.New(troupe.CodeBadInput, "%s.%s takes the name of a schedule: %v", c.a.id, c.turn.action, err)
	}
	return f(name)
}

// scheduleFor runs troupe.ScheduleAction.
func scheduleFor(c *Context, in input) (any, error) {
	var m troupe.ScheduleMessage
	err := in.as.Unmarshal(in.body, &m)
	if err == nil {
		err = checkMessage(&m)
	}
	if err != nil {
		return nil, errs.New(troupe.CodeBadInput, "%s.%s: %v", c.a.id, c.turn.action, err)
	}
	r := troupe.ScheduleRequest{
		ActorType: c.Type(), Action: m.Action, Name: m.Name, After: milliseconds(m.After), Every: milliseconds(m.Every),
		Cron: m.Cron, Zone: m.Zone, Missed: m.Missed, Spread: milliseconds(m.Spread),
	}
	if m.At != 0 {
		r.At = time.UnixMilli(m.At)
	}
	endpoint, err := c.schedulable(&r)
	if err != nil {
		c.misread = !wire.Builtin(m.Action)
		return nil, err
	}
	data, err := endpoint.inputWithin(in)
	if err != nil {
		c.misread = true
		return nil, errs.New(troupe.CodeBadInput, "%s.%s: the input of %s: %.500s; it takes: %s", c.a.id, c.turn.action, m.Action, err,
			shapeOf(endpoint.input()))
	}
	return c.schedule(&r, data)
}

// lacksSchedule is for a schedule of an action that this program has not, or that takes something else here.
func (t *actorType) lacksSchedule(in input, refusal *troupe.Error) lack {
	var m troupe.ScheduleMessage
	_ = in.as.Unmarshal(in.body, &m) // it was read before
	return t.lacksDue(m.Action, refusal)
}

// lacksDue is for what is scheduled of such an action.
func (t *actorType) lacksDue(action string, refusal *troupe.Error) lack {
	if endpoint := t.actions[action]; endpoint != nil {
		return lacksInput(action, fingerprint(endpoint.takes), refusal)
	}
	return lacksAction(action, refusal)
}

// sameText is endpoint.same of an action that takes a text.
func sameText(dst []byte, in *input) ([]byte, error) {
	var text string
	if err := in.as.Unmarshal(in.body, &text); err != nil {
		return nil, err
	}
	return codec.MsgPack.Append(dst, text)
}

// sameSchedule is endpoint.same of troupe.ScheduleAction.
func (t *actorType) sameSchedule(dst []byte, in *input) ([]byte, error) {
	var m troupe.ScheduleMessage
	if err := in.as.Unmarshal(in.body, &m); err != nil {
		return nil, err
	}
	endpoint := t.actions[m.Action]
	if endpoint == nil {
		return nil, errs.New(troupe.CodeUnknownAction, "there is no action %.100q to schedule", m.Action)
	}
	data, err := endpoint.inputWithin(*in)
	if err != nil {
		return nil, err
	}
	m.Input = data
	return codec.MsgPack.Append(dst, m)
}

// takesSchedule reports why an action cannot be scheduled as asked for, if so.
func (t *actorType) takesSchedule(in input) error {
	var m troupe.ScheduleMessage
	if err := in.as.Unmarshal(in.body, &m); err != nil {
		return err
	}
	endpoint := t.actions[m.Action]
	if endpoint == nil {
		return errs.New(troupe.CodeBadInput, "the host has no such action")
	}
	_, err := endpoint.inputWithin(in)
	return err
}

func milliseconds(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// checkMessage refuses what no time or duration is.
func checkMessage(m *troupe.ScheduleMessage) error {
	for what, n := range map[string]int64{"after": m.After, "every": m.Every, "spread": m.Spread} {
		if n < 0 || n > maxDuration.Milliseconds() {
			return fmt.Errorf("%s is %d: it is in milliseconds, and at most %v", what, n, maxDuration)
		}
	}
	if m.At < 0 || m.At > maxScheduleTime.UnixMilli() {
		return fmt.Errorf("at is %d: it is in milliseconds since 1970", m.At)
	}
	return nil
}

// inputWithin reads the input of an action out of a [troupe.ScheduleMessage], and encodes it as it is kept. None is a null.
func (e *endpoint) inputWithin(in input) (data []byte, err error) {
	pointer := reflect.PointerTo(e.input())
	message := reflect.New(reflect.StructOf([]reflect.StructField{{Name: "Input", Type: pointer, Tag: `json:"input"`}}))
	err = protect(func() error { // methods of the input may run
		if err := in.as.Unmarshal(in.body, message.Interface()); err != nil {
			return err
		}
		value := message.Elem().Field(0)
		if value.IsNil() {
			null, err := in.as.Append(nil, nil)
			if err != nil {
				return err
			}
			value = reflect.New(e.input())
			if err := in.as.Unmarshal(null, value.Interface()); err != nil {
				return err
			}
		}
		data, err = codec.MsgPack.Append(nil, codec.Filled(value.Elem().Interface()))
		return err
	})
	return data, err
}

// fire makes a schedule due now, or what is parked under its name. One that recurs keeps its times: the run is one more.
func (c *Context) fire(name string) (found bool, err error) {
	if record.IsInternal(name) {
		return false, nil
	}
	now := c.a.host.alarms.Now()
	c.mu.Lock()
	one := c.lookUp(name)
	var parked *record.Scheduled
	c.a.gate.Read(func(p *record.Parts) {
		if found := p.Schedules().FindParked(name); found != nil && !one.unparked {
			copied := found.Run
			parked = &copied
		}
	})
	c.mu.Unlock()
	var run record.Scheduled
	switch {
	case parked != nil:
		if err := c.addChange(record.Unpark{Name: name}); err != nil {
			return false, err
		}
		run = *parked
	case one.one != nil:
		run = *one.one
	default:
		return false, nil
	}
	run.Try, run.Attempts, run.Error, run.Missed = 0, 0, "", 0
	if run.Recurs() || parked != nil && one.one != nil {
		run.Name, run.Every, run.Cron, run.Zone, run.Policy, run.Offset = newScheduleName(), 0, "", "", "", 0
	}
	run.Set, run.Due = ceilMilli(now), ceilMilli(now)
	return true, c.putSchedule(run, one.volatile && parked == nil)
}
