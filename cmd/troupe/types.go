package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/contract"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/wire"
)

// typesCommand is the verb types.
type typesCommand struct {
	Type string `arg:"" optional:"" help:"Show what actors of this type take and give."`
}

// Help is shown by troupe types --help.
func (*typesCommand) Help() string {
	return `Without TYPE it lists the actor types that the hosts that are up run. With it, it shows the actions, queues and events ` +
		`of one, as the host that started last tells: what they take and give, in the way of TypeScript. Events are those that the ` +
		`program says the type has. troupe schema prints the same for programs.`
}

// typeLine is an actor type as types --json prints it.
type typeLine struct {
	Type  string   `json:"type"`
	Hosts []string `json:"hosts"` // ids of those that run it
}

func (c *typesCommand) run(ctx context.Context, e env) error {
	return e.withConnection(ctx, func(ctx context.Context, conn connection) error {
		if c.Type == "" {
			return listTypes(ctx, e, conn)
		}
		found, err := conn.contract(ctx, c.Type)
		switch {
		case err != nil:
			return err
		case e.json:
			return e.printLine(found)
		}
		rows, err := contract.Rows(found)
		if err != nil {
			return err
		}
		return printContract(e, rows)
	})
}

// printContract prints what a type has as a table, and below it the types that it names, which may be long.
func printContract(e env, rows []contract.Row) error {
	w := newTable(e.terminal)
	w.AppendHeader(table.Row{"KIND", "NAME", "TAKES", "GIVES"})
	var types strings.Builder
	for _, row := range rows {
		name, takes := stripControls(row.Name), stripControls(row.Takes)
		if row.Kind == "type" {
			fmt.Fprintf(&types, "\n%s %s\n", name, takes)
			continue
		}
		w.AppendRow(table.Row{row.Kind, name, takes, stripControls(row.Gives)})
	}
	_, err := fmt.Fprint(e.out, w.Render()+"\n"+types.String())
	return err
}

func listTypes(ctx context.Context, e env, conn connection) error {
	up, err := conn.hostsUp(ctx)
	if err != nil {
		return err
	}
	var lines []typeLine
	for _, name := range typesOf(up) {
		line := typeLine{Type: name}
		for id, host := range up {
			if slices.Contains(host.Types, name) {
				line.Hosts = append(line.Hosts, id)
			}
		}
		slices.Sort(line.Hosts)
		lines = append(lines, line)
	}
	switch {
	case len(lines) == 0:
		return nothingFound("no host is up in the namespace %s", e.namespace.Name())
	case e.json:
		return printLines(e.terminal, lines)
	}
	w := newTable(e.terminal, "HOSTS")
	w.AppendHeader(table.Row{"TYPE", "HOSTS"})
	for _, line := range lines {
		w.AppendRow(table.Row{stripControls(line.Type), len(line.Hosts)})
	}
	_, err = fmt.Fprintln(e.out, w.Render())
	return err
}

// contract asks the host of a type that has started last for its contract.
func (c connection) contract(ctx context.Context, actorType string) (*wire.Contract, error) {
	if err := troupe.CheckName("actor type", actorType); err != nil {
		return nil, err
	}
	hosts, err := c.looker().Up(ctx)
	if err != nil {
		return nil, err
	}
	found, err := c.looker().Contract(ctx, hosts, actorType)
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return nil, connectionError{err}
	case err == nil && found == nil:
		return nil, c.explainUnknownType(ctx, actorType, errs.New(troupe.CodeUnknownType, "no host serves the actor type %q", actorType))
	}
	return found, err
}
