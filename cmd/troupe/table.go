package main

import (
	"fmt"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// newTable is a table for people, with these columns set to the right: in a box on a terminal, in bare columns elsewhere.
func newTable(t terminal, numbers ...string) table.Writer {
	w := table.NewWriter()
	style := table.StyleRounded
	style.Format.Header = text.FormatDefault
	if !isTerminal(t.out) {
		style.Options = table.OptionsNoBordersAndSeparators
		style.Box.PaddingLeft = ""
	}
	w.SetStyle(style)
	w.SuppressTrailingSpaces()
	columns := make([]table.ColumnConfig, len(numbers))
	for i, name := range numbers {
		columns[i] = table.ColumnConfig{Name: name, Align: text.AlignRight, AlignHeader: text.AlignRight}
	}
	w.SetColumnConfigs(columns)
	return w
}

// actorTable renders the list of the verb ls.
func actorTable(t terminal, actors []listed) string {
	w := newTable(t, "STATE", "WRITTEN")
	w.AppendHeader(table.Row{"TYPE", "KEY", "HOST", "STATE", "WRITTEN"})
	now := time.Now()
	for _, actor := range actors {
		key := actor.Key
		if key == "" {
			key = `""`
		}
		host, state := hostText(t, actor.Host), size(actor.State)
		if actor.Error != "" {
			host, state = paint(t.out, text.FgRed, "unreadable record"), "-"
		}
		w.AppendRow(table.Row{actor.Type, key, host, state, age(now.Sub(actor.Modified))})
	}
	return w.Render()
}

// hostText is the name of a host and the first digits of its id, which are enough to tell hosts apart.
func hostText(t terminal, host listedHost) string {
	id := shortID(host.ID)
	if !host.Up {
		return id + paint(t.out, text.FgYellow, " (not up)")
	}
	if host.Name == "" {
		return id
	}
	return oneLine(host.Name) + " " + id
}

func shortID(host string) string {
	const digits = 6
	if len(host) > digits {
		host = host[:digits]
	}
	return oneLine(host)
}

// size is a number of bytes for people.
func size(bytes int) string {
	switch n := float64(bytes); {
	case bytes < 1<<10:
		return fmt.Sprintf("%d B", bytes)
	case bytes < 1<<20:
		return fmt.Sprintf("%.1f KiB", n/(1<<10))
	default:
		return fmt.Sprintf("%.1f MiB", n/(1<<20))
	}
}

// age is how long ago something was, for people. The clocks of the server and of this machine may differ.
func age(d time.Duration) string {
	if d < time.Second {
		return "now"
	}
	return since(d) + " ago"
}

// since is how long something has lasted, for people.
func since(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", max(d, 0)/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 2*day:
		return fmt.Sprintf("%dh", d/time.Hour)
	default:
		return fmt.Sprintf("%dd", d/day)
	}
}
