package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/look"
	"github.com/troupe-go/troupe/internal/pause"
	"github.com/troupe-go/troupe/internal/wire"
)

// topCommand is the verb top.
type topCommand struct {
	Every time.Duration `default:"2s" placeholder:"DURATION" help:"How often the table is made anew (${default})."`
	Once  bool          `help:"Print one table, with what has happened since the hosts have started."`
	Most  int           `default:"15" placeholder:"N" help:"Lines of each table (${default})."`
}

// Help is shown by troupe top --help.
func (*topCommand) Help() string {
	return `It shows the turns of all hosts together, those first that took the most time: what has happened since the last ` +
		`look, or, with --once, --json and where the output is no terminal, since the hosts have started. ERRORS are those that hosts ` +
		`make, REFUSED those that actors return on purpose. P50 and P99 are from the arrival of a call until its answer leaves, WAIT is ` +
		`how long 99 of 100 waited at most until their turn began, RUN how long that took. Above is what waits now, and what was lost or ` +
		`came twice since the hosts have started, if there was some. Below is what has run for a second or longer, ` +
		`and the last failures.`
}

func (c *topCommand) run(ctx context.Context, e env) error {
	if c.Every <= 0 || c.Most <= 0 {
		return usageError{errors.New("--every and --most must be positive")}
	}
	return e.withConnection(ctx, func(ctx context.Context, conn connection) error {
		now, err := lookAll(ctx, conn, c.Most)
		switch {
		case err != nil:
			return err
		case e.json:
			return e.printLine(now)
		case c.Once || !isTerminal(e.out):
			_, err := fmt.Fprint(e.out, screen(e.terminal, now, now.Turns, 0, c.Most))
			return err
		}
		return c.keepLooking(ctx, conn, now)
	})
}

// clearScreen has the next table take the place of the last.
const clearScreen = "\x1b[H\x1b[2J"

// lookAll asks all hosts.
func lookAll(ctx context.Context, conn connection, most int) (look.Overview, error) {
	looker := conn.looker()
	hosts, err := looker.Hosts(ctx, most)
	if err != nil {
		return look.Overview{}, err
	}
	if len(hosts) == 0 {
		return look.Overview{}, nothingFound("no host is up in the namespace %s", conn.namespace.Name())
	}
	looker.Recent(ctx, hosts)
	for i := range hosts {
		if errors.Is(hosts[i].Err, troupe.ErrDenied) {
			return look.Overview{}, hosts[i].Err
		}
	}
	return look.Together(hosts, most), ctx.Err()
}

func (c *topCommand) keepLooking(ctx context.Context, conn connection, before look.Overview) error {
	turns, took := before.Turns, time.Duration(0)
	for now := before; ; {
		if _, err := fmt.Fprint(conn.out, clearScreen, screen(conn.terminal, now, turns, took, c.Most)); err != nil {
			return err
		}
		if !pause.For(ctx, c.Every) {
			return nil
		}
		next, err := lookAll(ctx, conn, c.Most)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // an interrupt ends it
		case err != nil:
			return err
		}
		took = next.At.Sub(now.At)
		var ok bool
		if turns, ok = next.Since(now); !ok {
			took = 0
		}
		now = next
	}
}

// screen is what is shown: turns of so long a time, or, if that is zero, since the hosts have started.
func screen(t terminal, now look.Overview, turns []wire.TurnFigures, took time.Duration, most int) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%d hosts, %d actors awake", now.Hosts, now.Awake)
	if now.Waiting > 0 {
		fmt.Fprintf(&s, ", %d calls wait", now.Waiting)
	}
	if now.Silent > 0 {
		s.WriteString(", " + paint(t.out, text.FgRed, fmt.Sprintf("%d hosts do not reply", now.Silent)))
	}
	s.WriteString(troubleText(now.Troubles) + "\n\n" + turnTable(t, turns, took, most) + "\n")
	if len(now.Running) > 0 {
		s.WriteString("\n")
	}
	for _, one := range now.Running {
		s.WriteString("running: " + paint(t.out, text.FgYellow, runText(&one)) + "\n")
	}
	if now.More > 0 {
		fmt.Fprintf(&s, "and %d more\n", now.More)
	}
	if len(now.Failed) > 0 {
		s.WriteString("\n")
	}
	for _, one := range now.Failed[:min(len(now.Failed), most)] {
		at := time.UnixMilli(one.At).Local().Format(time.TimeOnly) //nolint:gosmopolitan // for people
		what := fmt.Sprintf("%s %s %s of %s: %s: %s", at, one.Kind, one.Name, look.TokensText(one.Actor), one.Code, one.Error)
		s.WriteString("failed: " + stripControls(what) + "\n")
	}
	return s.String()
}

// troubleText is a line of what there was of that since the hosts have started.
func troubleText(all look.Troubles) string {
	var told []string
	for _, one := range []struct {
		count int64
		what  string
	}{
		{all.Lost, "leases lost"}, {all.Conflicts, "states that another host had written"}, {all.Dropped, "events dropped"},
		{all.Repeated, "answers repeated"},
	} {
		if one.count > 0 {
			told = append(told, fmt.Sprintf("%s: %d", one.what, one.count))
		}
	}
	if len(told) == 0 {
		return ""
	}
	return "\nsince the hosts have started, " + strings.Join(told, ", ")
}

func turnTable(t terminal, turns []wire.TurnFigures, took time.Duration, most int) string {
	calls := "CALLS/S"
	if took == 0 {
		calls = "CALLS"
	}
	w := newTable(t, calls, "ERRORS", "REFUSED", "P50", "P99", "WAIT", "RUN")
	w.AppendHeader(table.Row{"TYPE", "TURN", calls, "ERRORS", "REFUSED", "P50", "P99", "WAIT", "RUN"})
	for _, one := range turns[:min(len(turns), most)] {
		count := fmt.Sprint(one.Calls)
		if took > 0 {
			count = perSecond(one.Calls, took)
		}
		name := one.Name
		if one.Kind != wire.TurnAction {
			name = string(one.Kind) + " " + name
		}
		total := one.Total
		if total.Count == 0 { // nobody waits for it
			total = one.Run
		}
		const usual, rare = 0.5, 0.99
		w.AppendRow(table.Row{
			stripControls(one.Type), stripControls(name), count, sumOf(one.Errors), sumOf(one.Own),
			formatTime(total.Quantile(usual)), formatTime(total.Quantile(rare)),
			formatTime(one.Wait.Quantile(rare)), formatTime(one.Run.Quantile(rare)),
		})
	}
	return w.Render()
}
