package actorhost

import (
	"context"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/faults"
	"github.com/troupe-go/troupe/actorhost/internal/outlet"
	"github.com/troupe-go/troupe/actorhost/internal/wake"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/wire"
)

// What an actor has scheduled is in its record, so most alarms, and all lists, need not wake it. But a record tells all only
// while the actor is asleep: what its owner has not stored yet, or has in its journal, only the owner knows.

// looksOnly reports whether an action may be served from the record of an actor that is asleep.
func looksOnly(action string) bool {
	return action != "" && action[0] == '_' &&
		(action == wire.DueAction || action == troupe.SchedulesAction || action == troupe.WorkflowAction)
}

// needsActor reports whether an action creates no actor.
func needsActor(action string) bool {
	switch action {
	case troupe.MoveAction, troupe.DestroyAction, troupe.ResultAction, troupe.CancelWorkflowAction, troupe.RetryWorkflowAction:
		return true
	}
	return looksOnly(action)
}

// dueSoon is how far off what is due may be for the actor to wake already: clocks are not the same.
const dueSoon = 100 * time.Millisecond

// look serves such an action of an actor that is not awake here.
func (d *dispatcher) look(w *work, tokens string) {
	var rang wire.Rang
	if w.Action == wire.DueAction && w.As.Unmarshal(w.Data, &rang) == nil && rang.Wake { // another host has looked
		if a := d.enqueue(tokens, w); a != nil {
			d.ready.Add(a)
		}
		return
	}
	id, err := troupe.ParseID(tokens)
	if err != nil {
		d.out.Refuse(&w.Call, errs.New(troupe.CodeBadInput, "%v", err))
		return
	}
	asked := *w // a copy, so that not every call escapes to the heap
	d.goroutines.Go(func() {
		ctx, cancel := context.WithDeadline(d.ctx, d.clock.Time(asked.Deadline))
		defer cancel()
		select {
		case d.lookups <- struct{}{}:
			defer func() { <-d.lookups }()
		case <-ctx.Done():
			d.out.Refuse(&asked.Call, errTooLate)
			return
		}
		s, err := d.lookAt(ctx, id)
		if err == nil && s.owner != "" {
			if d.forward(&asked.Call, s.owner, id, released{}) != ownerReleased {
				return
			}
			s.wake = true
		}
		var output []byte
		if err == nil && !s.wake {
			output, s.wake, err = d.answerLook(ctx, &asked, id, &s)
		}
		switch {
		case err != nil:
			d.out.Refuse(&asked.Call, errs.As(err))
		case s.wake:
			if a := d.enqueue(tokens, &asked); a != nil {
				d.ready.Add(a)
			}
		default:
			msg := outlet.Reply(&asked.Call, output)
			d.out.SendReply(&msg, false)
		}
	})
}

// seen is what a look at a record has found.
type seen struct {
	foundRecord
	owner string // another host that is up, which must be asked
	wake  bool   // the record does not tell all, and nobody else does
}

// lookAt reads the record of an actor that is not awake here.
func (r *roster) lookAt(ctx context.Context, id troupe.ID) (s seen, err error) {
	s.foundRecord, err = r.newestRecord(ctx, id)
	if err != nil {
		return s, err
	}
	if s.Owner != "" && s.Owner != r.presence.Session().ID { // an actor that sleeps here has left nothing in the journal alone
		up, err := r.presence.WaitForOwner(ctx, s.Owner)
		if err != nil {
			return s, errs.Unavailable("%v", err)
		}
		if up {
			s.owner = s.Owner
			return s, nil
		}
		s.wake = s.Created // the journal of its host may tell more
	}
	s.wake = s.wake || s.lacks != nil
	return s, nil
}

// answerLook answers from a record that tells all, unless the actor must wake.
func (d *dispatcher) answerLook(ctx context.Context, w *work, id troupe.ID, s *seen) (output []byte, wake bool, err error) {
	if w.Action == wire.DueAction {
		var rang wire.Rang
		if err := w.As.Unmarshal(w.Data, &rang); err != nil {
			return nil, false, errs.New(troupe.CodeBadInput, "%s.%s: %v", id, w.Action, err)
		}
		wake, err = d.becomesDue(ctx, id, s, rang.At)
		return nil, wake, err
	}
	if !s.Created {
		return nil, false, errs.New(troupe.CodeNotFound, "there is no actor %s", id)
	}
	if w.Action == troupe.WorkflowAction {
		page, err := pageOf(input{body: w.Data, as: w.As})
		if err != nil {
			return nil, false, err
		}
		shown, err := d.workflowPage(ctx, id, s.parts.Workflow(), page)
		if err == nil {
			output, err = w.As.Append(nil, shown)
		}
		return output, false, err
	}
	output, err = w.As.Append(nil, schedulesOf(s.parts.Schedules()))
	return output, false, err
}

// becomesDue reports whether the actor must wake, because something is due. If not, it sees to it that the next alarm stands.
func (r *roster) becomesDue(ctx context.Context, id troupe.ID, s *seen, rang int64) (wake bool, err error) {
	scheduled, now := s.parts.Schedules(), r.alarms.Now()
	first := scheduled.First()
	switch {
	case first == 0:
		return false, nil
	case first <= now.Add(dueSoon).UnixMilli():
		return true, nil
	}
	faults.At(faults.BeforeAlarm)
	if _, err := r.alarms.SetNow(ctx, id, scheduled.AlarmFor(first, rang)); err != nil {
		return false, errs.Unavailable("%v", err)
	}
	return false, nil
}

// ringFor is told of an alarm that rings for an actor, and for what time. It says what is to be done, and when.
func (r *roster) ringFor(ctx context.Context, id troupe.ID, at time.Time) (due time.Time, v wake.Verdict, err error) {
	if r.isActive(id.Tokens()) {
		return at, wake.Ask, nil
	}
	s, err := r.lookAt(ctx, id)
	switch {
	case err != nil:
		return at, wake.Ask, err
	case s.owner != "":
		return at, wake.Ask, nil
	case s.wake:
		return at, wake.Wake, nil
	}
	if first := s.parts.Schedules().First(); first != 0 && !time.UnixMilli(first).After(at) {
		return time.UnixMilli(first), wake.Wake, nil
	}
	if becomes, err := r.becomesDue(ctx, id, &s, at.UnixMilli()); becomes || err != nil {
		return at, wake.Wake, err
	}
	return at, wake.SeenTo, nil
}
