package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// infoCommand is the verb info.
type infoCommand struct{ address }

// Help is shown by troupe info --help.
func (*infoCommand) Help() string {
	return `What its record says, and its host: the actor is not woken. Host is who runs it, or ran it last. Epoch is the ` +
		`revision at which it woke last, Revision the newest one. Answers are those that it remembers for calls that come again.`
}

// actorInfo is what info --json writes.
type actorInfo struct {
	listed
	Created  bool     `json:"created"` // false: claimed for a call that has not created it yet
	Awake    *bool    `json:"awake"`   // null: its host does not say
	Waiting  int      `json:"waiting"` // calls and events in its mailbox
	Epoch    uint64   `json:"epoch"`
	Revision uint64   `json:"revision"`
	Needs    []string `json:"needs,omitempty"` // features without which no host runs it
	Answers  *int     `json:"answers"`         // null: they cannot be decoded
	Kept     int      `json:"revisions_kept"`
}

func (c *infoCommand) run(ctx context.Context, e env) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	nc, records, err := e.records(ctx, id)
	if err != nil {
		return err
	}
	defer nc.Close()
	info, err := e.actorInfo(ctx, nc, records, id)
	if err != nil {
		return explainDenied(nc, err)
	}
	if e.json {
		return e.printLine(info)
	}
	return e.printInfo(info)
}

func (e env) actorInfo(ctx context.Context, nc *nats.Conn, records *store.Records, id troupe.ID) (actorInfo, error) {
	var newest store.ListedRecord
	var damage error
	kept := 0
	for revision, err := range records.History(ctx, id) {
		if err != nil && !errors.Is(err, record.ErrCorrupt) {
			return actorInfo{}, err
		}
		newest, damage = revision, err
		kept++
	}
	if kept == 0 {
		return actorInfo{}, notFound(id)
	}
	hosts, err := e.hostsUp(ctx, nc)
	if err != nil {
		return actorInfo{}, err
	}
	newest.ID = id
	info := actorInfo{
		listed:  listedActor(newest, damage, hosts),
		Created: newest.Created, Epoch: newest.Epoch, Revision: newest.Revision, Needs: newest.Needs, Kept: kept,
	}
	if parts, err := newest.Open(); err == nil && damage == nil {
		answers := parts.Answers().Len()
		info.Answers = &answers
	}
	awake := false
	if info.Host.Up {
		var told wire.ActorInfo
		switch err := e.ask(ctx, nc, e.namespace.ActorInfo(newest.Owner, id), &told); {
		case errors.Is(err, errHostSilent):
			return info, nil
		case err != nil:
			return info, fmt.Errorf("asking the host %s: %w", newest.Owner, err)
		}
		awake, info.Waiting = told.Awake, told.Waiting
	}
	info.Awake = &awake
	return info, nil
}

func (e env) printInfo(info actorInfo) error {
	written := info.Modified.Local().Format(time.DateTime) //nolint:gosmopolitan // for the person who asks
	type line struct{ name, value string }
	lines := []line{
		{"Host", infoHost(e.terminal, info.Host)},
		{"Awake", awakeText(info)},
		{"Written", fmt.Sprintf("%s (%s)", age(time.Since(info.Modified)), written)},
		{"Epoch", fmt.Sprint(info.Epoch)},
		{"Revision", fmt.Sprintf("%d (%d kept)", info.Revision, info.Kept)},
		{"State", size(info.State)},
		{"Answers", "not readable"},
	}
	if info.Answers != nil {
		lines[len(lines)-1].value = fmt.Sprintf("%d remembered", *info.Answers)
	}
	if len(info.Needs) > 0 {
		lines = append(lines, line{"Needs", oneLine(strings.Join(info.Needs, ", "))})
	}
	title := info.Type
	if info.Key != "" {
		title += "/" + info.Key
	}
	note := ""
	switch {
	case info.Error != "":
		note = paint(e.out, text.FgRed, "  unreadable record")
	case !info.Created:
		note = "  not created yet"
	}
	if _, err := fmt.Fprintf(e.out, "%s%s\n\n", title, note); err != nil {
		return err
	}
	for _, one := range lines {
		if _, err := fmt.Fprintf(e.out, "  %-10s%s\n", one.name, one.value); err != nil {
			return err
		}
	}
	if info.Error != "" {
		fmt.Fprintln(e.err, oneLine(info.Error))
	}
	return nil
}

func awakeText(info actorInfo) string {
	switch {
	case info.Awake == nil:
		return "not known: its host does not answer"
	case !*info.Awake:
		return "no"
	case info.Waiting == 0:
		return "yes"
	}
	return fmt.Sprintf("yes, %d waiting in its mailbox", info.Waiting)
}

// infoHost is the host with its whole id.
func infoHost(t terminal, host listedHost) string {
	switch {
	case host.ID == "":
		return "none: the next call chooses one"
	case !host.Up:
		return oneLine(host.ID) + paint(t.out, text.FgYellow, " (not up)")
	case host.Name == "":
		return oneLine(host.ID)
	}
	return oneLine(host.Name) + " " + oneLine(host.ID)
}
