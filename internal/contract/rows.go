package contract

import (
	"maps"
	"slices"
	"strings"

	"github.com/troupe-go/troupe/internal/wire"
)

// Row is what a contract has of an action, an event or a queue, or one of the definitions that these refer to, for people to read.
type Row struct{ Kind, Name, Takes, Gives string }

// Rows returns them: what a program can do with an actor first.
func Rows(c *wire.Contract) (rows []Row, err error) {
	w, _, defs, err := read(c)
	if err != nil {
		return nil, err
	}
	add := func(kind, name string, takes, gives []byte) {
		row := Row{Kind: kind, Name: name}
		for of, text := range map[*string][]byte{&row.Takes: takes, &row.Gives: gives} {
			if text != nil && err == nil {
				if *of, err = w.of(text); err == nil {
					*of = oneLine(*of)
				}
			}
		}
		rows = append(rows, row)
	}
	if c.Create != nil {
		add("create", "", c.Create, nil)
	}
	if c.Connect != nil {
		add("connect", "", c.Connect, nil)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Actions)) {
		switch action := c.Actions[name]; {
		case action.Result != nil:
			add("workflow", name, action.In, action.Result)
		case action.Items != nil:
			add("stream", name, action.In, action.Items)
		case action.Reentrant:
			add("reentrant action", name, action.In, action.Out)
		case action.BesideTurns:
			add("beside-turns action", name, action.In, action.Out)
		case action.ReadOnly:
			add("read-only action", name, action.In, action.Out)
		default:
			add("action", name, action.In, action.Out)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Queues)) {
		add("queue", name, c.Queues[name], nil)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Events)) {
		add("event", name, nil, c.Events[name])
	}
	for _, def := range defs {
		rows = append(rows, Row{Kind: "type", Name: w.names[def.name], Takes: oneLine(w.typeOf(&def.value, ""))})
	}
	return rows, err
}

func oneLine(text string) string {
	return strings.TrimSuffix(strings.Join(strings.Fields(text), " "), ";")
}
