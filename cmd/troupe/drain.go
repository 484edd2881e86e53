package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/mend"
	"github.com/troupe-go/troupe/internal/store"
)

// drainCommand is the verb drain.
type drainCommand struct {
	Host string `arg:"" help:"Id of the host, the beginning of the id, or its name: see troupe hosts."`
	consent
	Wait time.Duration `default:"30s" placeholder:"DURATION" help:"How long to wait for its end; 0 does not wait (default: 30s)."`
}

// Help is shown by troupe drain --help.
func (*drainCommand) Help() string {
	return `New calls go to other hosts. Running actions end within the host's grace (15 s by default), its actors are ` +
		`released, and its lease is given back. Then its program ends, if it uses actorhost.Run or waits for Host.Done. On a ` +
		`terminal you are asked first. The exit code is 6 if the host has not ended in time.`
}

func (c *drainCommand) run(ctx context.Context, e env) error {
	if c.Wait < 0 {
		return usageError{fmt.Errorf("--wait %v is negative", c.Wait)}
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
		if e.interactive && !c.given() {
			if err := e.confirm(ctx, "Drain the host "+nameAndID(host)+"?"); err != nil {
				return err
			}
		}
		began := time.Now()
		if err := c.drain(ctx, conn, host); err != nil {
			return err
		}
		return c.print(e, host, time.Since(began))
	})
}

// drain asks a host to drain, and waits until it has ended, unless --wait is 0.
func (c *drainCommand) drain(ctx context.Context, conn connection, host store.HostEntry) error {
	switch err := mend.Drain(ctx, conn.looker(), conn.namespace, host.ID); {
	case errors.Is(err, nats.ErrNoResponders):
		return connectionError{err}
	case err != nil:
		return err
	case c.Wait == 0:
		return nil
	}
	leases, err := conn.findLeases(ctx)
	if err != nil || leases == nil {
		return err
	}
	err = awaitEnd(ctx, leases, host.ID, c.Wait)
	if errors.Is(err, context.DeadlineExceeded) {
		return &troupe.Error{Code: troupe.CodeOutcomeUnknown, Err: err,
			Message: fmt.Sprintf("the host %s was asked to drain and has not ended within %v", host.ID, c.Wait)}
	}
	return err
}

func (c *drainCommand) print(e env, host store.HostEntry, took time.Duration) error {
	switch {
	case e.json:
		return e.printLine(struct {
			ID      string  `json:"id"`
			Name    string  `json:"name,omitempty"`
			Ended   bool    `json:"ended"`
			Seconds float64 `json:"seconds"`
		}{host.ID, host.Name, c.Wait > 0, took.Seconds()})
	case c.Wait > 0:
		fmt.Fprintf(e.err, "drained %s in %v\n", nameAndID(host), took.Round(time.Millisecond))
	default:
		fmt.Fprintf(e.err, "%s is draining\n", nameAndID(host))
	}
	return nil
}

func nameAndID(host store.HostEntry) string {
	return strings.TrimSpace(stripControls(host.Name + " " + host.ID))
}

// findHost returns the host with this id, beginning of an id, or name.
func findHost(up map[string]store.HostEntry, meant string) (store.HostEntry, error) {
	if host, ok := up[meant]; ok {
		return host, nil
	}
	var byID, byName []store.HostEntry
	for _, host := range up {
		if meant != "" && strings.HasPrefix(host.ID, meant) {
			byID = append(byID, host)
		}
		if meant != "" && host.Name == meant {
			byName = append(byName, host)
		}
	}
	for _, found := range [][]store.HostEntry{byName, byID} {
		if len(found) == 1 {
			return found[0], nil
		}
	}
	if found := len(byID) + len(byName); found > 1 {
		return store.HostEntry{}, usageError{fmt.Errorf("%d hosts match %q: name one by its id, see troupe hosts", found, meant)}
	}
	return store.HostEntry{}, nothingFound("no host %q is up: see troupe hosts", meant)
}
