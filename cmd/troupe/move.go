package main

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
)

// moveCommand is the verb move.
type moveCommand struct {
	actorArgs
	Host string `arg:"" help:"Id of the host, the beginning of the id, or its name: see troupe hosts."`
}

// Help is shown by troupe move --help.
func (*moveCommand) Help() string {
	return `The actor ends the calls that it runs and those that wait, stores its state, and wakes on the host. Its connections ` +
		`end, and programs connect again by themselves. There it stays until it sleeps: after that any host may wake it. Try again ` +
		`if it was busy for longer than --timeout.`
}

func (c *moveCommand) run(ctx context.Context, e env) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	return e.withConnection(ctx, func(ctx context.Context, conn connection) error {
		up, err := conn.hostsUp(ctx)
		if err != nil {
			return err
		}
		host, err := findHost(up, c.Host)
		if err != nil {
			return err
		}
		if _, err := conn.invoke(ctx, moveCall(id, host.ID)); err != nil {
			return err
		}
		if e.json {
			return e.printLine(struct {
				Type string `json:"type"`
				Key  string `json:"key"`
				Host string `json:"host"`
			}{id.Type(), keyText(id), host.ID})
		}
		fmt.Fprintf(e.err, "%s is on %s now\n", actorText(id), nameAndID(host))
		return nil
	})
}

// moveCall moves an actor to a host.
func moveCall(id troupe.ID, host string) troupe.Invocation {
	return troupe.Invocation{ID: id, Action: troupe.MoveAction, Existing: true, In: host}
}
