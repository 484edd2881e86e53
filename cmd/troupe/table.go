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
