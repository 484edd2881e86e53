package actorhost

import (
	"context"
	"slices"
	"strings"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/store"
)

// capable is another host than gone that serves the type of an actor and has all the features that its record needs, of
// which this host lacks some. Only its lease is asked: it finds out itself whether it may have the actor.
func (e *env) capable(ctx context.Context, id troupe.ID, f *found, gone string) (string, error) {
	for host, err := range e.presence.Leases.List(ctx) {
		if err != nil {
			return "", errs.Unavailable("looking for a host that has %s: %v", strings.Join(f.lacks, ", "), err)
		}
		if host.ID != gone && f.servedBy(id, host) {
			return host.ID, nil
		}
	}
	return "", errs.Unavailable("%s needs %s, which no host has that serves its type", id, strings.Join(f.lacks, ", "))
}

func (f *found) servedBy(id troupe.ID, host store.HostEntry) bool {
	return slices.Contains(host.Types, id.Type()) && f.Lacks(host.Features) == nil
}
