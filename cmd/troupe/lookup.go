package main

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"time"

	"github.com/nats-io/nats.go/micro"
)

// lookUpTimeout bounds how long a shell waits for completions from the server, and maxKeys how many keys it gets.
const (
	lookUpTimeout = 700 * time.Millisecond
	maxKeys       = 500
)

// lookUp returns the completions that only the server or the contexts of the nats command know. Whatever fails, there
// are just none: a prompt is no place for an error.
func lookUp(
	ctx context.Context, e env, word unfinished, envOf func(flags []string, t terminal) (env, error),
) (found []candidate) {
	if word.value == "context" {
		for _, name := range contexts() {
			found = append(found, candidate{name, "context"})
		}
		return beginningWith(found, word.last)
	}
	ask, ok := map[string]func(context.Context, connection, []string) []candidate{
		"type": typesUp, "key": keysOf, "action": actionsOf, "host": hostNames, "schedule": scheduleNames,
		"workflow": actionsOf, "signal": actionsOf,
	}[word.value]
	if !ok {
		return nil
	}
	e, err := envOf(word.flags, e.terminal)
	if err != nil {
		return nil
	}
	e.timeout, e.config.Timeout, e.config.Logger = lookUpTimeout, lookUpTimeout, slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithTimeout(ctx, lookUpTimeout)
	defer cancel()
	_ = e.withConnection(ctx, func(ctx context.Context, conn connection) error {
		found = ask(ctx, conn, word.arguments)
		return nil
	})
	return beginningWith(found, word.last)
}

func typesUp(ctx context.Context, conn connection, _ []string) (found []candidate) {
	up, _ := conn.hostsUp(ctx)
	for _, actorType := range typesOf(up) {
		found = append(found, candidate{actorType, "actor type"})
	}
	return found
}

func hostNames(ctx context.Context, conn connection, _ []string) (found []candidate) {
	up, _ := conn.hostsUp(ctx)
	for id, host := range up {
		found = append(found, candidate{id, "host " + stripControls(host.Name)})
	}
	slices.SortFunc(found, func(a, b candidate) int { return cmp.Compare(a.word, b.word) })
	return found
}

func keysOf(ctx context.Context, conn connection, arguments []string) (found []candidate) {
	records, err := conn.findRecords(ctx)
	if err != nil || records == nil {
		return nil
	}
	for one, err := range records.List(ctx, arguments[0]) {
		if err != nil && one.ID.IsZero() || len(found) == maxKeys {
			break
		}
		if one.Created {
			found = append(found, candidate{keyText(one.ID), arguments[0]})
		}
	}
	return found
}

// actionsOf asks a host that serves the type what it can do.
func actionsOf(ctx context.Context, conn connection, arguments []string) (found []candidate) {
	up, _ := conn.hostsUp(ctx)
	for id, host := range up {
		if !host.MayRun(arguments[0]) {
			continue
		}
		subject, err := micro.ControlSubject(micro.InfoVerb, conn.namespace.Name(), id)
		if err != nil {
			return nil
		}
		answer, err := conn.nc.RequestWithContext(ctx, subject, nil)
		if err != nil {
			continue
		}
		var info micro.Info
		if json.Unmarshal(answer.Data, &info) != nil {
			continue
		}
		for _, endpoint := range info.Endpoints {
			if endpoint.Metadata["actor_type"] == arguments[0] {
				found = append(found, candidate{endpoint.Metadata["action"], "action of " + arguments[0]})
			}
		}
		return found
	}
	return nil
}

func scheduleNames(ctx context.Context, conn connection, arguments []string) (found []candidate) {
	if len(arguments) < 2 {
		return nil
	}
	id, err := actorArgs{arguments[0], arguments[1]}.id()
	if err != nil {
		return nil
	}
	lines, _ := conn.askSchedules(ctx, id)
	for _, line := range lines {
		found = append(found, candidate{line.Name, "schedule of " + stripControls(line.Action)})
	}
	return found
}
