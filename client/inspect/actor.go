package inspect

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/look"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// actorData is what the page of an actor shows.
type actorData struct {
	tab

	Record    record.Record
	Damage    string // why the record cannot be decoded
	OwnerName string
	OwnerUp   bool
	Told      *wire.ActorInfo // nil: Problem says why
	Problem   string
	State     string // as JSON
	Cut       bool   // there is more of it
	Answers   int
	Schedules []scheduleRow
	Pause     time.Time // until when its run loop pauses
	Flow      *timeline
	AskStack  bool
	Stacks    []wire.RunningStack
	NoStack   string // why there are none
}

// scheduleRow is what an actor has scheduled, or a run that was given up.
type scheduleRow struct {
	Name, Action, Repeats string
	Due                   time.Time
	Attempts              int
	Error                 string
	Parked                bool
}

// mostState is how many bytes of a state are shown.
const mostState = 128 << 10

func (p *pages) actor(ctx context.Context, r *http.Request, page *page) (any, error) {
	query := r.URL.Query()
	id, err := idOf(query.Get("type"), query.Get("key"))
	if err != nil {
		return nil, err
	}
	page.Title = look.ActorText(id)
	data := &actorData{tab: tabOf(id, page), AskStack: query.Has("stack")}
	page.Live = !data.AskStack // a host stands still while it looks for stacks
	if err := p.addRecord(ctx, id, data); err != nil {
		return nil, err
	}
	if data.Record.Owner != "" {
		p.addOwner(ctx, id, data)
	}
	return data, nil
}

func idOf(actorType, keyText string) (troupe.ID, error) {
	key, err := look.ParseKey(keyText)
	if err != nil {
		return troupe.ID{}, &troupe.Error{Code: troupe.CodeBadInput, Message: err.Error()}
	}
	return troupe.NewID(actorType, key...)
}

// addRecord adds what the store has of an actor.
func (p *pages) addRecord(ctx context.Context, id troupe.ID, data *actorData) error {
	records, err := p.looker.Records(ctx)
	if err != nil {
		return err
	}
	if records == nil {
		return notFound("no host has run yet in the namespace " + p.namespace.Name())
	}
	defer func() { _ = records.Close() }() // no write is in flight
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	data.Record, err = records.Get(ctx, id)
	var parts record.Parts
	if err == nil {
		parts, err = data.Record.Open()
	}
	switch {
	case errors.Is(err, record.ErrCorrupt):
		data.Damage = clean(err.Error())
		return nil
	case err != nil:
		return err
	case !data.Record.Created && data.Record.Owner == "":
		return notFound("there is no actor " + look.ActorText(id))
	}
	data.addState()
	data.Answers = parts.Answers().Len()
	data.addSchedules(parts.Schedules())
	if stored := parts.Workflow(); stored != nil && stored.Name != "" {
		data.Flow = timelineOf(stored, time.Now())
	}
	return nil
}

// addState adds the state as people read it.
func (d *actorData) addState() {
	if len(d.Record.State) == 0 {
		return
	}
	state, err := codec.ToJSON(d.Record.State)
	if err != nil {
		d.Damage = clean(err.Error())
		return
	}
	d.State, d.Cut = stateText(state, mostState)
}

func (d *actorData) addSchedules(s *record.Schedules) {
	if pause := s.Find(record.LoopPause); pause != nil {
		d.Pause = time.UnixMilli(pause.Due)
	}
	row := func(one *record.Scheduled, parked bool) scheduleRow {
		repeats := "once"
		switch {
		case one.Every > 0:
			repeats = "every " + milliseconds(one.Every)
		case one.Cron != "":
			repeats = one.Cron + " " + one.Zone
		}
		return scheduleRow{one.Name, one.Action, repeats, time.UnixMilli(one.At()), one.Attempts, one.Error, parked}
	}
	for one := range s.Own() {
		if len(d.Schedules) < pageLength {
			d.Schedules = append(d.Schedules, row(one, false))
		}
	}
	for _, one := range s.Parked() {
		d.Schedules = append(d.Schedules, row(&one.Run, true))
	}
}

// addOwner asks the host of an actor what it does.
func (p *pages) addOwner(ctx context.Context, id troupe.ID, data *actorData) {
	host, err := p.host(ctx, data.Record.Owner)
	switch {
	case err != nil:
		data.Problem = err.Error()
		return
	case host == nil:
		data.Problem = "its host is not up: the next call wakes it on another one"
		return
	}
	data.OwnerName, data.OwnerUp = host.Name, true
	var told wire.ActorInfo
	if err := p.looker.Ask(ctx, p.namespace.ActorInfo(host.ID, id), nil, &told); err != nil {
		data.Problem = err.Error()
		return
	}
	data.Told = &told
	if !data.AskStack {
		return
	}
	var stack wire.ActorStack
	if err := p.looker.Ask(ctx, p.namespace.Stack(host.ID, id), nil, &stack); err != nil {
		data.NoStack = err.Error()
	}
	data.Stacks = stack.Running
}

// host returns a host that is up, or nil.
func (p *pages) host(ctx context.Context, id string) (*store.HostEntry, error) {
	hosts, err := p.looker.Up(ctx)
	for i := range hosts {
		if hosts[i].ID == id {
			return &hosts[i].HostEntry, err
		}
	}
	return nil, err
}
