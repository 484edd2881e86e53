package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

// lsCommand is the verb ls.
type lsCommand struct {
	Type  string `arg:"" optional:"" help:"Only actors of this type."`
	Limit int    `default:"-1" placeholder:"N" help:"Show the first N actors, 0 for all (default: 1000, and all with --json)."`
}

// defaultLimit is how many actors people are shown who did not say how many they want.
const defaultLimit = 1000

// Help is shown by troupe ls --help.
func (*lsCommand) Help() string {
	return `An actor has a record from its creation until it is destroyed. HOST is who runs it, or ran it last: the ` +
		`record does not tell whether the actor is awake. A host that is not up is marked; the next call moves its ` +
		`actors to another one. STATE is the size of the state and WRITTEN when it last changed.`
}

// listed is one actor of the list.
type listed struct {
	Type     string     `json:"type"`
	Key      string     `json:"key"` // as the verbs take it
	Parts    []string   `json:"parts"`
	Host     listedHost `json:"host"`
	State    int        `json:"state_bytes"`
	Modified time.Time  `json:"modified"`
	Error    string     `json:"error,omitempty"` // why the record cannot be read
}

// listedHost is the host that owns an actor.
type listedHost struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"` // unknown of one that is not up
	Up   bool   `json:"up"`
}

func (c *lsCommand) run(ctx context.Context, e env) error {
	if c.Type != "" {
		if err := troupe.CheckName("actor type", c.Type); err != nil {
			return err
		}
	}
	nc, err := e.connect(ctx)
	if err != nil {
		return err
	}
	defer nc.Close()
	actors, err := e.list(ctx, nc, c.Type)
	if err != nil {
		return explainDenied(nc, err)
	}
	return c.print(e, actors)
}

func (c *lsCommand) print(e env, actors []listed) error {
	limit := c.Limit
	if limit < 0 && !e.json {
		limit = defaultLimit
	}
	shown := actors
	if limit > 0 && limit < len(actors) {
		shown = actors[:limit]
	}
	switch {
	case e.json:
		for _, actor := range shown {
			if err := e.printLine(actor); err != nil {
				return err
			}
		}
	case len(actors) == 0 && c.Type != "":
		fmt.Fprintf(e.out, "No actors of the type %s in the namespace %s yet.\n", c.Type, e.namespace.Name())
	case len(actors) == 0:
		fmt.Fprintf(e.out, "No actors in the namespace %s yet.\n", e.namespace.Name())
	default:
		if _, err := fmt.Fprintln(e.out, actorTable(e.terminal, shown)); err != nil {
			return err
		}
	}
	for _, actor := range shown {
		if actor.Error != "" && !e.json {
			fmt.Fprintln(e.err, oneLine(actor.Error))
		}
	}
	if left := len(actors) - len(shown); left > 0 {
		fmt.Fprintf(e.err, "%d more are left out: see --limit\n", left)
	}
	return nil
}

// list reads all records of a type, or of all types, sorted by type and key.
func (e env) list(ctx context.Context, nc *nats.Conn, actorType string) ([]listed, error) {
	if ok, err := e.hasBucket(ctx, nc, "actors"); !ok || err != nil {
		return nil, err
	}
	hosts, err := e.hostsUp(ctx, nc)
	if err != nil {
		return nil, err
	}
	records, err := store.OpenRecords(ctx, nc, e.namespace, 0)
	if err != nil {
		return nil, err
	}
	var actors []listed
	for one, err := range records.List(ctx, actorType) {
		switch {
		case err != nil && !errors.Is(err, record.ErrCorrupt):
			return nil, fmt.Errorf("listing the actors: %w", err)
		case err == nil && !one.Created: // claimed for a call that has not created it yet
			continue
		}
		actors = append(actors, listedActor(one, err, hosts))
	}
	byName := func(a, b listed) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), slices.Compare(a.Parts, b.Parts), cmp.Compare(a.Error, b.Error))
	}
	slices.SortFunc(actors, byName)
	// What was written meanwhile has come twice.
	return slices.CompactFunc(actors, func(a, b listed) bool { return byName(a, b) == 0 }), nil
}

// listedActor is what a record tells of an actor, or why it cannot be read.
func listedActor(one store.ListedRecord, damage error, hosts map[string]store.HostEntry) listed {
	actor := listed{
		Type: one.ID.Type(), Key: one.ID.KeyString(), Parts: append([]string{}, one.ID.Key()...),
		State: len(one.State), Modified: one.Modified,
		Host: listedHost{ID: one.Owner},
	}
	if host, up := hosts[one.Owner]; up {
		actor.Host.Name, actor.Host.Up = host.Name, true
	}
	if damage != nil {
		actor.Error = damage.Error()
	}
	return actor
}

// hostsUp are the hosts that have a lease, by their ids.
func (e env) hostsUp(ctx context.Context, nc *nats.Conn) (map[string]store.HostEntry, error) {
	if ok, err := e.hasBucket(ctx, nc, "hosts"); !ok || err != nil {
		return nil, err
	}
	leases, err := store.OpenHosts(ctx, nc, e.namespace, 0)
	if err != nil {
		return nil, err
	}
	hosts := make(map[string]store.HostEntry)
	for host, err := range leases.List(ctx) {
		if err != nil {
			return nil, fmt.Errorf("listing the hosts: %w", err)
		}
		hosts[host.ID] = host
	}
	return hosts, nil
}

// hasBucket reports whether there is a bucket that a host has made. Package bus makes what it is told to open, which a
// look at a namespace, perhaps a misspelt one, must not do.
func (e env) hasBucket(ctx context.Context, nc *nats.Conn, name string) (bool, error) {
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(e.timeout))
	if err != nil {
		return false, fmt.Errorf("using JetStream: %w", err)
	}
	bucket := e.namespace.Name() + "-" + name
	_, err = js.KeyValue(ctx, bucket)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, jetstream.ErrBucketNotFound):
		return false, nil
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, jetstream.ErrJetStreamNotEnabled):
		return false, fmt.Errorf("the NATS server has no JetStream for this account, so it can hold no actors: %w", err)
	}
	return false, fmt.Errorf("opening the bucket %s: %w", bucket, err)
}
