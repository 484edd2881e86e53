package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/record"
)

// sleepCommand is the verb sleep.
type sleepCommand struct{ actorArgs }

// Help is shown by troupe sleep --help.
func (*sleepCommand) Help() string {
	return `The actor ends the calls that it runs, stores its state, runs its on-sleep hook and leaves its host's memory. Its ` +
		`connections end, and programs connect again by themselves. The next call or event wakes it. An actor that sleeps stays ` +
		`as it is.`
}

func (c *sleepCommand) run(ctx context.Context, e env) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	return e.withRecord(ctx, id, func(ctx context.Context, r actorRecord) error {
		if _, err := r.get(ctx); err != nil && !errors.Is(err, record.ErrCorrupt) {
			return err
		}
		slept, err := putToSleep(ctx, r)
		switch {
		case err != nil:
			return err
		case e.json:
			return e.printLine(struct {
				Type  string `json:"type"`
				Key   string `json:"key"`
				Slept bool   `json:"slept"` // false: it was not awake
			}{id.Type(), keyText(id), slept})
		case slept:
			fmt.Fprintf(e.err, "%s sleeps now\n", actorText(id))
		default:
			fmt.Fprintf(e.err, "%s was not awake\n", actorText(id))
		}
		return nil
	})
}

// putToSleep puts the actor to sleep, and reports whether it was awake.
func putToSleep(ctx context.Context, r actorRecord) (slept bool, err error) {
	_, err = r.invoke(ctx, troupe.Invocation{ID: r.id, Action: troupe.SleepAction})
	if errors.Is(err, troupe.ErrNotFound) || errors.Is(err, troupe.ErrUnknownType) {
		return false, nil // it is asleep, or there is no host that could run it
	}
	return err == nil, err
}
