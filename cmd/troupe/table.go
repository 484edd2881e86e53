package main

import (
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// newTable returns a table with the given columns aligned right: in a box on a terminal, in bare columns elsewhere.
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

// mostShown is how many columns of an error, or of a value, a table has.
const mostShown = 100

// shorten is a text that is shown in a table: it ends with … if there is more of it.
func shorten(shown string) string { return text.Snip(shown, mostShown, "…") }
