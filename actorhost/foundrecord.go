package actorhost

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

// foundRecord is the record of an actor as a host finds it.
type foundRecord struct {
	record.Record
	parts record.Parts
	lacks []string // features that the host would have to have; then it has not looked into the parts
}

// readRecord reads the record of an actor. What cannot be decoded is left as it is.
func (e *env) readRecord(ctx context.Context, id troupe.ID) (f foundRecord, err error) {
	if f.Record, err = e.records.Get(ctx, id); err == nil {
		if f.lacks = f.Lacks(e.presence.Session().Features()); f.lacks == nil {
			if f.parts, err = f.Open(); err != nil {
				err = fmt.Errorf("%s: %w", id, err)
			}
		}
	}
	switch {
	case errors.Is(err, record.ErrCorrupt):
		return foundRecord{}, errs.New(troupe.CodeStateCorrupt, "%v", err)
	case err != nil:
		return foundRecord{}, errs.Unavailable("%v", err)
	}
	return f, nil
}

// lacksError is the error of a host that lacks what an actor needs.
func (f *foundRecord) lacksError(id troupe.ID) *troupe.Error {
	return errs.Unavailable("%s needs what this host does not have: %s", id, strings.Join(f.lacks, ", "))
}

// capableHost is another host than gone that serves the type of an actor and has what its record needs, where this host does
// not. Only its lease is asked: it finds out itself whether it may have the actor.
func (e *env) capableHost(ctx context.Context, id troupe.ID, f *foundRecord, gone string) (string, error) {
	for host, err := range e.presence.Leases.List(ctx) {
		if err != nil {
			return "", errs.Unavailable("looking for a host that has %s: %v", strings.Join(f.lacks, ", "), err)
		}
		if host.ID != gone && f.canRunOn(id, host) {
			return host.ID, nil
		}
	}
	return "", f.lacksError(id)
}

func (f *foundRecord) canRunOn(id troupe.ID, host store.HostEntry) bool {
	return slices.Contains(host.Types, id.Type()) && f.Lacks(host.Features) == nil
}
