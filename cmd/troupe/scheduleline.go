package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/record"
)

// scheduleLine is a schedule as --json prints it, with the durations as the flags of schedule add take them.
type scheduleLine struct {
	scheduleRef
	Action   string              `json:"action"`
	Input    json.RawMessage     `json:"input,omitempty"`
	Due      time.Time           `json:"due"` // next; of what was given up, when it was due
	Every    string              `json:"every,omitempty"`
	Cron     string              `json:"cron,omitempty"`
	Zone     string              `json:"zone,omitempty"`
	Missed   troupe.MissedPolicy `json:"missed,omitempty"`
	Volatile bool                `json:"volatile,omitempty"`
	Attempts int                 `json:"attempts,omitempty"` // that have failed
	Error    string              `json:"error,omitempty"`    // of the last of them
	Parked   bool                `json:"parked,omitempty"`
	Times    int                 `json:"times,omitempty"` // that runs were given up
}

// listedSchedule is a schedule as an actor lists it.
type listedSchedule struct {
	troupe.ScheduleMessage
	Input json.RawMessage `json:"input"`
}

// askSchedules asks an actor, which it does not wake, what it has scheduled.
func (c connection) askSchedules(ctx context.Context, id troupe.ID) (lines []scheduleLine, err error) {
	output, err := c.invoke(ctx, troupe.Invocation{ID: id, Action: troupe.SchedulesAction, Existing: true})
	if err != nil {
		return nil, err
	}
	var listed []listedSchedule
	if err := json.Unmarshal(output, &listed); err != nil {
		return nil, fmt.Errorf("what %s has scheduled cannot be read: %w", actorText(id), err)
	}
	for _, one := range listed {
		lines = append(lines, scheduleLine{
			scheduleRef: refTo(id, one.Name), Action: one.Action, Input: someJSON(one.Input), Due: time.UnixMilli(one.At).UTC(),
			Every: everyText(one.Every), Cron: one.Cron, Zone: one.Zone, Missed: one.Missed, Volatile: one.Volatile,
			Attempts: one.Attempts, Error: one.Error, Parked: one.Parked, Times: one.Times,
		})
	}
	return lines, nil
}

// storedSchedules are those that a record has.
func storedSchedules(id troupe.ID, s *record.Schedules) (lines []scheduleLine) {
	for one := range s.Own() {
		lines = append(lines, storedSchedule(id, one))
	}
	for _, parked := range s.Parked() {
		line := storedSchedule(id, &parked.Run)
		line.Due, line.Parked, line.Times = time.UnixMilli(parked.Run.Due).UTC(), true, parked.Count
		lines = append(lines, line)
	}
	return lines
}

func storedSchedule(id troupe.ID, one *record.Scheduled) scheduleLine {
	input, err := codec.ToJSON(one.Input)
	if err != nil {
		input = nil // there is none that can be shown
	}
	return scheduleLine{
		scheduleRef: refTo(id, one.Name), Action: one.Action, Input: someJSON(input), Due: time.UnixMilli(one.At()).UTC(),
		Every: everyText(one.Every), Cron: one.Cron, Zone: one.Zone, Missed: troupe.MissedPolicy(one.Policy),
		Attempts: one.Attempts, Error: one.Error,
	}
}

// someJSON is a value, or nothing for null.
func someJSON(value json.RawMessage) json.RawMessage {
	if string(value) == "null" {
		return nil
	}
	return value
}

func everyText(milliseconds int64) string {
	if milliseconds == 0 {
		return ""
	}
	return (time.Duration(milliseconds) * time.Millisecond).String()
}

// repeats says for people when a schedule recurs.
func (l *scheduleLine) repeats() string {
	switch {
	case l.Every != "":
		return "every " + strings.NewReplacer("m0s", "m", "h0m0s", "h").Replace(l.Every)
	case l.Cron != "":
		return strings.TrimSpace(l.Cron + " " + l.Zone)
	}
	return "once"
}

// trouble says for people what is wrong with a schedule, if anything is.
func (l *scheduleLine) trouble() string {
	switch {
	case l.Times > 1:
		return fmt.Sprintf("given up %d times, the last after %d: %s", l.Times, l.Attempts, l.Error)
	case l.Parked:
		return fmt.Sprintf("given up after %d: %s", l.Attempts, l.Error)
	case l.Attempts > 0:
		return fmt.Sprintf("failed %d: %s", l.Attempts, l.Error)
	}
	return ""
}

// dueText says for people when something is due.
func dueText(due, now time.Time) string {
	relative := formatAge(now.Sub(due))
	if ahead := due.Sub(now); ahead >= time.Second {
		relative = "in " + formatDuration(ahead)
	}
	return due.Local().Format(time.DateTime) + " (" + relative + ")" //nolint:gosmopolitan // for people
}

// tellParked tells people of runs that were given up. Since is since when, or empty.
func tellParked(t terminal, n int, since string) {
	if n > 0 {
		fmt.Fprintf(t.err, "%d scheduled runs were given up%s: see troupe schedule ls --parked\n", n, since)
	}
}

// tellStuck tells people of workflows that are stuck, or were.
func tellStuck(t terminal, n int, are string) {
	if n > 0 {
		fmt.Fprintf(t.err, "%d workflows %s stuck: see troupe stuck\n", n, are)
	}
}
