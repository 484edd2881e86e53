package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/store"
)

// drainCommand is the verb drain.
type drainCommand struct {
	Host  string        `arg:"" help:"Id of the host, or the beginning of it, or its name: see troupe hosts."`
	Force bool          `short:"f" help:"Do not ask."`
	Wait  time.Duration `default:"30s" placeholder:"DURATION" help:"How long to wait for it to end, 0 to ask it only (default: 30s)."`
}

// Help is shown by troupe drain --help.
func (*drainCommand) Help() string {
	return `New calls go to other hosts, what runs is ended, within the host's own grace (15 s by default), its actors are ` +
		`free for others, and its lease is given back. Then its program ends, if it is one that does so ` +
		`(actorhost.Run, or Host.Done). On a terminal you are asked first. The exit code is 6 when it has not ended in time.`
}

func (c *drainCommand) run(ctx context.Context, e env) error {
	if c.Wait < 0 {
		return usageError{fmt.Errorf("--wait %v is negative", c.Wait)}
	}
	nc, err := e.connect(ctx)
	if err != nil {
		return err
	}
	defer nc.Close()
	up, err := e.hostsUp(ctx, nc)
	if err != nil {
		return explainDenied(nc, err)
	}
	host, err := findHost(up, c.Host)
	if err != nil {
		return err
	}
	called := strings.TrimSpace(oneLine(host.Name + " " + host.ID))
	if e.interactive && !c.Force {
		if err := e.confirm(ctx, "Drain the host "+called+"?"); err != nil {
			return err
		}
	}
	began := time.Now()
	switch err := e.ask(ctx, nc, e.namespace.Drain(host.ID), nil); {
	case errors.Is(err, context.DeadlineExceeded) && nc.LastError() == nil:
		return &troupe.Error{Code: troupe.CodeOutcomeUnknown, Err: err,
			Message: fmt.Sprintf("the host %s was asked to drain and does not answer", called)}
	case err != nil:
		return fmt.Errorf("asking the host %s to drain: %w", called, explainDenied(nc, err))
	}
	if c.Wait > 0 {
		err := e.awaitEnd(ctx, nc, host.ID, c.Wait)
		if errors.Is(err, context.DeadlineExceeded) {
			return &troupe.Error{Code: troupe.CodeOutcomeUnknown, Err: err,
				Message: fmt.Sprintf("the host %s was asked to drain and has not ended within %v", host.ID, c.Wait)}
		} else if err != nil {
			return err
		}
	}
	took := time.Since(began)
	switch {
	case e.json:
		return e.printLine(struct {
			ID      string  `json:"id"`
			Name    string  `json:"name,omitempty"`
			Ended   bool    `json:"ended"`
			Seconds float64 `json:"seconds"`
		}{host.ID, host.Name, c.Wait > 0, took.Seconds()})
	case c.Wait > 0:
		fmt.Fprintf(e.err, "drained %s in %v\n", called, took.Round(time.Millisecond))
	default:
		fmt.Fprintf(e.err, "%s drains\n", called)
	}
	return nil
}

// findHost is the host that is meant.
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
		return store.HostEntry{}, usageError{fmt.Errorf("%d hosts are called %q: name one by its id, see troupe hosts", found, meant)}
	}
	return store.HostEntry{}, &troupe.Error{Code: troupe.CodeNotFound, Message: fmt.Sprintf("no host %q is up: see troupe hosts", meant)}
}
