package mcptools

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/look"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/wire"
)

// newest are the turns that ended last.
func newest(all []wire.RecentTurn) []wire.RecentTurn {
	slices.SortFunc(all, func(a, b wire.RecentTurn) int { return cmp.Compare(b.At, a.At) })
	all = all[:min(len(all), mostTurns)]
	for i := range all { // as the other tools have it
		all[i].Actor = look.TokensText(all[i].Actor)
	}
	return all
}

// actorView is what is shown of an actor.
type actorView struct {
	Actor     string              `json:"actor"`
	Host      string              `json:"host,omitempty"` // id of the one that runs it, or ran it last
	Told      *wire.ActorInfo     `json:"now,omitempty"`
	Problem   string              `json:"problem,omitempty"` // why that is not known
	State     json.RawMessage     `json:"state"`
	LeftOut   string              `json:"state_left_out,omitempty"` // why
	Schedules []scheduleView      `json:"schedules,omitempty"`
	Workflow  *troupe.WorkflowRun `json:"workflow,omitempty"` // without its steps
}

type scheduleView struct {
	Name     string    `json:"name"`
	Action   string    `json:"action"`
	Due      time.Time `json:"due"`
	Attempts int       `json:"attempts,omitempty"`
	Error    string    `json:"error,omitempty"`
	Parked   bool      `json:"parked,omitempty"` // it was given up
}

// mostState is how many bytes of a state are shown: a model has to read them.
const mostState = 64 << 10

// read reads the record of an actor.
func (s *seer) read(ctx context.Context, id troupe.ID) (found record.Record, parts record.Parts, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	records, err := s.looker.Records(ctx)
	if err != nil {
		return found, parts, err
	}
	if records != nil {
		defer func() { _ = records.Close() }() // no write is in flight
		if found, err = records.Get(ctx, id); err == nil {
			parts, err = found.Open()
		}
	}
	if err == nil && !found.Created {
		err = fmt.Errorf("there is no actor %s", look.ActorText(id))
	}
	return found, parts, err
}

func (s *seer) actor(ctx context.Context, of ofActor) (any, error) {
	id, err := of.id()
	if err != nil {
		return nil, err
	}
	found, parts, err := s.read(ctx, id)
	if err != nil {
		return nil, err
	}
	view := actorView{Actor: look.ActorText(id), Host: found.Owner, State: json.RawMessage("null")}
	if state, err := codec.ToJSON(found.State); err != nil {
		view.LeftOut = err.Error()
	} else if len(state) > mostState {
		view.LeftOut = fmt.Sprintf("it has %d bytes as JSON, more than %d", len(state), mostState)
	} else {
		view.State = state
	}
	for one := range parts.Schedules().Own() {
		view.addSchedule(one, false)
	}
	for _, one := range parts.Schedules().Parked() {
		view.addSchedule(&one.Run, true)
	}
	if stored := parts.Workflow(); stored != nil && stored.Name != "" {
		run := stored.ShowHead()
		view.Workflow = &run
	}
	if view.Host == "" {
		return view, nil
	}
	var told wire.ActorInfo
	if err := s.looker.Ask(ctx, s.namespace.ActorInfo(view.Host, id), nil, &told); err != nil {
		view.Problem = err.Error()
	} else {
		view.Told = &told
	}
	return view, nil
}

func (v *actorView) addSchedule(one *record.Scheduled, parked bool) {
	if len(v.Schedules) < mostTurns {
		v.Schedules = append(v.Schedules,
			scheduleView{one.Name, one.Action, time.UnixMilli(one.At()).UTC(), one.Attempts, one.Error, parked})
	}
}

func (s *seer) workflow(ctx context.Context, of ofActor) (any, error) {
	id, err := of.id()
	if err != nil {
		return nil, err
	}
	_, parts, err := s.read(ctx, id)
	if err != nil {
		return nil, err
	}
	stored := parts.Workflow()
	if stored == nil || stored.Name == "" {
		return nil, fmt.Errorf("%s has no workflow", look.ActorText(id))
	}
	run := stored.Show()
	if more := len(run.Steps) - mostTurns; more > 0 {
		run.Before, run.Steps = run.Before+more, run.Steps[more:]
	}
	text, err := codec.JSON.Append(nil, run)
	return json.RawMessage(text), err
}
