package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/store"
)

// explainTimeout bounds what is looked up only to explain an error: the user may not be allowed to.
const explainTimeout = time.Second

// explainUnknownType adds to an unknown type which types there are, and where it was looked for. If actors of the type
// have records, the type is not unknown: its hosts are away.
func (c connection) explainUnknownType(ctx context.Context, actorType string, err error) error {
	unknown, ok := errors.AsType[*troupe.Error](err)
	if !ok || !errors.Is(err, troupe.ErrUnknownType) {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, explainTimeout)
	defer cancel()
	explained := *unknown
	switch up, err := c.hostsUp(ctx); {
	case err != nil:
		explained.Message += "; none that is up in the namespace " + c.namespace.Name() + " does"
	case len(up) == 0:
		explained.Message += "; no host at all is up in the namespace " + c.namespace.Name()
	default:
		explained.Message += "; those that are up in the namespace " + c.namespace.Name() + " serve " + strings.Join(typesOf(up), ", ")
	}
	if c.hasRecords(ctx, actorType) {
		explained.Code, explained.Retryable = troupe.CodeUnavailable, true
		explained.Message += "; there are actors of the type, so a host of it has been up"
	}
	return &explained
}

// typesOf are the actor types that hosts serve, sorted.
func typesOf(hosts map[string]store.HostEntry) []string {
	var types []string
	for _, host := range hosts {
		types = append(types, host.Types...)
	}
	slices.Sort(types)
	return slices.Compact(types)
}

// hasRecords reports whether an actor of the type is known to have a record.
func (c connection) hasRecords(ctx context.Context, actorType string) bool {
	records, err := c.findRecords(ctx)
	if err != nil || records == nil {
		return false
	}
	for _, err := range records.List(ctx, actorType) {
		return err == nil
	}
	return false
}
