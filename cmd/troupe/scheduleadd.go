package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/troupe-go/troupe"
)

// scheduleAddCommand is the verb schedule add.
type scheduleAddCommand struct {
	actorArgs
	Action string  `arg:"" help:"Action."`
	Input  *string `arg:"" name:"json" optional:"" help:"Input as JSON; - reads it from stdin. Without it, piped stdin is read."`

	At    string         `placeholder:"TIME" help:"Once, such as 2027-01-31T09:00:00+01:00, \"2027-01-31 09:00\" or 09:00, the next one."`
	After *time.Duration `placeholder:"DURATION" help:"Once, so much later, such as 90s or 36h."`
	Every *time.Duration `placeholder:"DURATION" help:"Again and again, first after that time; a second at least."`
	Cron  string         `placeholder:"EXPRESSION" help:"Again and again: minute hour day month weekday, or @daily and such."`

	Name     string         `placeholder:"NAME" help:"Name, which replaces an earlier schedule of this name (default: a new one)."`
	Zone     string         `placeholder:"ZONE" help:"Time zone of --cron, such as Europe/Berlin (default: UTC)."`
	Missed   string         `placeholder:"POLICY" help:"Run once, all or skip what recurs and was missed (default: once)."`
	Spread   *time.Duration `placeholder:"DURATION" help:"Move what recurs later, by less than that, for each actor by as much."`
	Existing bool           `help:"Fail if there is no such actor, instead of creating it."`
}

// Help is shown by troupe schedule add --help.
func (*scheduleAddCommand) Help() string {
	return `The name goes to stdout. A schedule is a part of the actor: the action runs on whichever host the actor is, once in ` +
		`its state, and never early. The actor is woken, and checks the action and its input. With --name it is safe to type again, ` +
		`also after exit code 6.

Without JSON the action gets no input, unless stdin is a pipe or a file: then that is its input.`
}

func (c *scheduleAddCommand) run(ctx context.Context, e env) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	message, err := c.message(time.Now())
	if err != nil {
		return err
	}
	input, err := readJSON(ctx, e.in, c.Input, "input")
	if err != nil {
		return err
	}
	if input != nil {
		message.Input = input
	}
	return e.withConnection(ctx, func(ctx context.Context, conn connection) error {
		output, err := conn.invoke(ctx, troupe.Invocation{ID: id, Action: troupe.ScheduleAction, Existing: c.Existing, In: message})
		if err != nil {
			return conn.explainUnknownType(ctx, id.Type(), err)
		}
		var name string
		if err := json.Unmarshal(output, &name); err != nil {
			return fmt.Errorf("the name of the schedule cannot be read: %w", err)
		}
		return c.print(ctx, conn, id, name)
	})
}

// message is what is asked for.
func (c *scheduleAddCommand) message(now time.Time) (troupe.ScheduleMessage, error) {
	if err := c.check(); err != nil {
		return troupe.ScheduleMessage{}, err
	}
	r := troupe.ScheduleRequest{
		ActorType: c.Type, Action: c.Action, Name: c.Name, After: valueOf(c.After), Every: valueOf(c.Every), Cron: c.Cron, Zone: c.Zone,
		Missed: troupe.MissedPolicy(c.Missed), Spread: valueOf(c.Spread),
	}
	if c.At != "" {
		at, err := parseTime(c.At, now)
		if err != nil {
			return troupe.ScheduleMessage{}, usageError{err}
		}
		r.At = at
	}
	return r.Message()
}

// check finds what the actor would refuse, or could not know.
func (c *scheduleAddCommand) check() error {
	given := 0
	for _, one := range []bool{c.At != "", c.After != nil, c.Every != nil, c.Cron != ""} {
		if one {
			given++
		}
	}
	switch {
	case given != 1:
		return usageError{errors.New("when? Give one of --at, --after, --every and --cron")}
	case valueOf(c.After) < 0:
		return usageError{fmt.Errorf("--after %v is in the past", *c.After)}
	case c.Every != nil && *c.Every < time.Second:
		return usageError{fmt.Errorf("--every %v is more often than every second", *c.Every)}
	case valueOf(c.Spread) < 0:
		return usageError{fmt.Errorf("--spread %v is negative", *c.Spread)}
	}
	if c.Name == "" {
		return nil
	}
	return troupe.CheckName("schedule", c.Name)
}

func valueOf(d *time.Duration) time.Duration {
	if d == nil {
		return 0
	}
	return *d
}

// parseTime reads a time as people write it. Without a zone, it is in the local one.
func parseTime(text string, now time.Time) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	for _, layout := range []string{time.DateTime, "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if at, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return at, nil
		}
	}
	for _, layout := range []string{"15:04", time.TimeOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			next := time.Date(now.Year(), now.Month(), now.Day(), at.Hour(), at.Minute(), at.Second(), 0, now.Location())
			if next.Before(now) {
				next = time.Date(now.Year(), now.Month(), now.Day()+1, at.Hour(), at.Minute(), at.Second(), 0, now.Location())
			}
			return next, nil
		}
	}
	return time.Time{}, fmt.Errorf("--at %q is no time such as 2027-01-31T09:00:00+01:00, \"2027-01-31 09:00\" or 09:00", text)
}

// print prints the name, and when the schedule is due first, as the actor says.
func (c *scheduleAddCommand) print(ctx context.Context, conn connection, id troupe.ID, name string) error {
	added := struct {
		scheduleRef
		Due *time.Time `json:"due,omitempty"` // absent: it has run already, or nobody can say
	}{scheduleRef: refTo(id, name)}
	if lines, err := conn.askSchedules(ctx, id); err == nil {
		for i := range lines {
			if lines[i].Name == name && !lines[i].Parked {
				added.Due = &lines[i].Due
			}
		}
	}
	if conn.json {
		return conn.printLine(added)
	}
	if added.Due != nil {
		fmt.Fprintf(conn.err, "%s of %s is due %s\n", name, actorText(id), dueText(*added.Due, time.Now()))
	}
	_, err := fmt.Fprintln(conn.out, name)
	return err
}
