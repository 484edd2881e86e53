package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/look"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// infoCommand is the verb info.
type infoCommand struct {
	actorArgs

	Stack bool `help:"Show where it is in the program, if it runs. The host stands still for a moment."`
}

// Help is shown by troupe info --help.
func (*infoCommand) Help() string {
	return `It shows what the record and the host say. The actor is not woken. Host is the host that runs it or ran it last. ` +
		`Epoch is the revision at which it last woke, Revision the newest one. Answers are kept for calls that are resent. ` +
		`Parked is what it had scheduled and failed too often: see troupe schedule retry.`
}

// actorInfo is what info --json writes.
type actorInfo struct {
	actorSummary
	Created  bool                `json:"created"`           // false: claimed for a call that has not created the actor yet
	Awake    *bool               `json:"awake"`             // null: its host does not reply, or must not be asked
	Waiting  int                 `json:"waiting"`           // calls and events in its mailbox
	Streams  int                 `json:"streams,omitempty"` // that it produces
	Running  *wire.RunningTurn   `json:"running,omitempty"` // null: nothing runs, or its host does not reply
	Beside   int                 `json:"beside,omitempty"`  // read-only actions that run beside that
	Stacks   []wire.RunningStack `json:"stacks,omitempty"`  // with --stack
	Epoch    uint64              `json:"epoch"`
	Revision uint64              `json:"revision"`
	Needs    []string            `json:"needs,omitempty"` // features that a host must have to run it
	Answers  *int                `json:"answers"`         // null: they cannot be decoded
	Kept     int                 `json:"revisions_kept"`

	Schedules int            `json:"schedules,omitempty"`
	Due       *scheduleLine  `json:"next_due,omitempty"`
	GivenUp   []scheduleLine `json:"parked_runs,omitempty"`

	Flow  *workflowLine  `json:"workflow_run,omitempty"`
	Loop  *wire.LoopInfo `json:"loop,omitempty"`       // null: it is not awake, or has none
	Pause *time.Time     `json:"loop_pause,omitempty"` // until when the loop pauses; if that is over, it has not come to the next pause

	denied bool // its host must not be asked
}

func (c *infoCommand) run(ctx context.Context, e env) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	return e.withRecord(ctx, id, func(ctx context.Context, r actorRecord) error {
		info, err := infoOf(ctx, r)
		if err != nil {
			return err
		}
		if c.Stack && info.Awake != nil && *info.Awake {
			var told wire.ActorStack
			if err := r.ask(ctx, r.namespace.Stack(info.Host.ID, id), &told); err != nil {
				return fmt.Errorf("asking the host %s for the stack: %w", info.Host.ID, err)
			}
			info.Stacks = told.Running
		}
		if e.json {
			return e.printLine(info)
		}
		return printInfo(e, info)
	})
}

func infoOf(ctx context.Context, r actorRecord) (actorInfo, error) {
	var newest store.ListedRecord
	var damage error
	kept := 0
	for revision, err := range r.records.History(ctx, r.id) {
		if err != nil && !errors.Is(err, record.ErrCorrupt) {
			return actorInfo{}, err
		}
		newest, damage = revision, err
		kept++
	}
	if kept == 0 {
		return actorInfo{}, notFound(r.id)
	}
	hosts, err := r.hostsUp(ctx)
	if err != nil {
		return actorInfo{}, err
	}
	newest.ID = r.id
	info := actorInfo{
		actorSummary: summarize(newest, damage, hosts),
		Created:      newest.Created, Epoch: newest.Epoch, Revision: newest.Revision, Needs: newest.Needs, Kept: kept,
	}
	if parts, err := newest.Open(); err == nil && damage == nil {
		answers := parts.Answers().Len()
		info.Answers = &answers
		info.addSchedules(r.id, parts.Schedules())
		if info.Workflow != "" {
			line := lineOf(r.id, parts.Workflow(), time.Now())
			info.Flow = &line
		}
	}
	awake := false
	if info.Host.Up {
		var told wire.ActorInfo
		switch err := r.ask(ctx, r.namespace.ActorInfo(newest.Owner, r.id), &told); {
		case errors.Is(err, look.ErrSilent):
			return info, nil
		case errors.Is(err, troupe.ErrDenied):
			info.denied = true
			return info, nil
		case err != nil:
			return info, fmt.Errorf("asking the host %s: %w", newest.Owner, err)
		}
		awake, info.Waiting, info.Loop, info.Streams = told.Awake, told.Waiting, told.Loop, told.Streams
		info.Running, info.Beside = told.Running, told.Beside
	}
	info.Awake = &awake
	return info, nil
}

// addSchedules adds what a record has scheduled.
func (i *actorInfo) addSchedules(id troupe.ID, s *record.Schedules) {
	if pause := s.Find(record.LoopPause); pause != nil {
		until := time.UnixMilli(pause.Due).UTC()
		i.Pause = &until
	}
	for _, one := range storedSchedules(id, s) {
		if one.Parked {
			i.GivenUp = append(i.GivenUp, one)
			continue
		}
		if i.Schedules++; i.Due == nil {
			i.Due = &one
		}
	}
}

// infoLine is a line of what people see.
type infoLine struct{ name, value string }

func scheduleInfo(t terminal, info actorInfo) (lines []infoLine) {
	if next := info.Due; next != nil {
		line := fmt.Sprintf("%d, next %s at %s", info.Schedules, next.Name, dueText(next.Due, time.Now()))
		if trouble := next.trouble(); trouble != "" {
			line += ", " + paint(t.out, text.FgYellow, stripControls(trouble))
		}
		lines = append(lines, infoLine{"Schedules", line})
	}
	for _, one := range info.GivenUp {
		lines = append(lines, infoLine{"Parked", one.Name + " " + paint(t.out, text.FgRed, stripControls(one.trouble()))})
	}
	return lines
}

func printInfo(e env, info actorInfo) error {
	written := info.Modified.Local().Format(time.DateTime) //nolint:gosmopolitan // for people
	lines := []infoLine{
		{"Host", infoHost(e.terminal, info.Host)},
		{"Awake", awakeText(info)},
		{"Written", fmt.Sprintf("%s (%s)", formatAge(time.Since(info.Modified)), written)},
		{"Epoch", fmt.Sprint(info.Epoch)},
		{"Revision", fmt.Sprintf("%d (%d kept)", info.Revision, info.Kept)},
		{"State", formatSize(info.State)},
		{"Answers", "not readable"},
	}
	if info.Answers != nil {
		lines[len(lines)-1].value = fmt.Sprintf("%d remembered", *info.Answers)
	}
	if len(info.Needs) > 0 {
		lines = append(lines, infoLine{"Needs", stripControls(strings.Join(info.Needs, ", "))})
	}
	if info.Running != nil {
		lines = append(lines, infoLine{"Runs", runText(info.Running) + besideText(info.Beside)})
	}
	if info.Streams > 0 {
		lines = append(lines, infoLine{"Streams", fmt.Sprintf("%d that it produces", info.Streams)})
	}
	if loop := loopText(info, time.Now()); loop != "" {
		lines = append(lines, infoLine{"Loop", loop})
	}
	lines = append(lines, scheduleInfo(e.terminal, info)...)
	if flow := info.Flow; flow != nil {
		lines = append(lines, infoLine{"Workflow", flow.text(e.terminal)})
	}
	title := info.Type
	if info.Key != "" {
		title += "/" + info.Key
	}
	note := ""
	switch {
	case info.Error != "":
		note = paint(e.out, text.FgRed, "  unreadable record")
	case !info.Created:
		note = "  not created yet"
	}
	if _, err := fmt.Fprintf(e.out, "%s%s\n\n", title, note); err != nil {
		return err
	}
	for _, one := range lines {
		if _, err := fmt.Fprintf(e.out, "  %-10s%s\n", one.name, one.value); err != nil {
			return err
		}
	}
	if info.Error != "" {
		fmt.Fprintln(e.err, stripControls(info.Error))
	}
	for _, one := range info.Stacks {
		if _, err := fmt.Fprintf(e.out, "\n%s\n%s", runText(&one.RunningTurn), stripControlsOfLines(one.Stack)); err != nil {
			return err
		}
	}
	return nil
}

// besideText says how many read-only actions run beside one.
func besideText(others int) string {
	if others == 0 {
		return ""
	}
	return fmt.Sprintf(", and %d read-only beside it", others)
}

func awakeText(info actorInfo) string {
	switch {
	case info.denied:
		return "unknown: NATS does not allow this user to ask its host"
	case info.Awake == nil:
		return "unknown: its host does not reply"
	case !*info.Awake && info.Host.ID != "" && !info.Host.Up:
		return "no, its host is not up: the next call wakes it on another one"
	case !*info.Awake:
		return "no"
	case info.Waiting == 0:
		return "yes"
	}
	return fmt.Sprintf("yes, %d waiting in its mailbox", info.Waiting)
}

// loopText says what the run loop of an actor does; nothing if it has none.
func loopText(info actorInfo, now time.Time) string {
	pauses := info.Pause != nil && info.Pause.After(now)
	switch loop := info.Loop; {
	case loop == nil && info.Pause == nil:
		return ""
	case loop != nil && loop.State == wire.LoopWaits:
		again := dueText(time.UnixMilli(loop.Until), now)
		return fmt.Sprintf("failed %d times, runs again at %s: %s", loop.Failed, again, stripControls(loop.Error))
	case pauses:
		return "pauses until " + dueText(*info.Pause, now)
	case loop == nil:
		return "not running: its pause is over"
	}
	return stripControls(string(info.Loop.State))
}

// infoHost is the host with its full id.
func infoHost(t terminal, host hostRef) string {
	if host.ID == "" {
		return "none: the next call finds one"
	}
	return hostLabel(t, host, host.ID)
}
