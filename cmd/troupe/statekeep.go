package main

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe/internal/store"
)

// stateKeepCommand is the verb state keep.
type stateKeepCommand struct {
	Revisions *int `arg:"" optional:"" help:"How many revisions of each actor to keep, 1 to 64; without it, the number is printed."`
	consent
}

// Help is shown by troupe state keep --help.
func (*stateKeepCommand) Help() string {
	return `The number applies to all actors of the namespace, from now on; hosts need no restart. Each revision is a copy of ` +
		`the whole record, on the disks of the servers. A smaller number deletes the surplus at once: on a terminal you are asked ` +
		`first, elsewhere --yes is needed.`
}

func (c *stateKeepCommand) run(ctx context.Context, e env) error {
	if c.Revisions != nil && (*c.Revisions < 1 || *c.Revisions > store.MaxHistory) {
		return usageError{fmt.Errorf("%d revisions cannot be kept: 1 to %d can", *c.Revisions, store.MaxHistory)}
	}
	return e.withConnection(ctx, func(ctx context.Context, conn connection) error {
		kept, err := c.keep(ctx, conn)
		if err != nil {
			return err
		}
		if e.json {
			return e.printLine(struct {
				Revisions int `json:"revisions"`
			}{kept})
		}
		_, err = fmt.Fprintln(e.out, kept)
		return err
	})
}

func (c *stateKeepCommand) keep(ctx context.Context, conn connection) (int, error) {
	records, err := conn.findRecords(ctx)
	if err == nil && records == nil {
		err = nothingFound("no host has run in the namespace %s yet", conn.namespace.Name())
	}
	if err != nil {
		return 0, err
	}
	kept, err := records.Kept(ctx)
	if err != nil || c.Revisions == nil || *c.Revisions == kept {
		return kept, err
	}
	if *c.Revisions < kept {
		what := fmt.Sprintf("delete all but %d of the %d revisions of each actor", *c.Revisions, kept)
		if err := conn.terminal.ask(ctx, c.given(), what, "D"+what[1:]+"?"); err != nil {
			return 0, err
		}
	}
	return *c.Revisions, records.Keep(ctx, *c.Revisions)
}
