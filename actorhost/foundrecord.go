package actorhost

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

// foundRecord is an actor's record as read from the store.
type foundRecord struct {
	record.Record
	parts record.Parts
	lacks []string // features that the record needs and this host lacks; if any, parts is not decoded
}

// readRecord reads an actor's record. A record that cannot be decoded stays as it is.
func (e *env) readRecord(ctx context.Context, id troupe.ID) (foundRecord, error) {
	r, err := e.records.Get(ctx, id)
	return e.opened(id, r, err)
}

// newestRecord is readRecord for a caller that must not miss what has just been written.
func (e *env) newestRecord(ctx context.Context, id troupe.ID) (foundRecord, error) {
	r, err := e.records.Newest(ctx, id)
	return e.opened(id, r, err)
}

func (e *env) opened(id troupe.ID, r record.Record, err error) (f foundRecord, _ error) {
	if f.Record = r; err == nil {
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

// lacksError says which features of the record this host lacks.
func (f *foundRecord) lacksError(id troupe.ID) *troupe.Error {
	return errs.Unavailable("%s needs features that this host lacks: %s", id, strings.Join(f.lacks, ", "))
}

// capableHost returns another host that serves the actor's type and has the features that the record needs. It skips
// releasedBy. It looks only at leases: that host finds out itself whether it may own the actor.
func (e *env) capableHost(ctx context.Context, id troupe.ID, f *foundRecord, releasedBy string) (string, error) {
	hosts, err := e.presence.Leases.All(ctx)
	if err != nil {
		return "", errs.Unavailable("looking for a host that has %s: %v", strings.Join(f.lacks, ", "), err)
	}
	for _, host := range hosts {
		if host.ID != releasedBy && f.canRunOn(id, host) {
			return host.ID, nil
		}
	}
	return "", f.lacksError(id)
}

func (f *foundRecord) canRunOn(id troupe.ID, host store.HostEntry) bool {
	return host.MayRun(id.Type()) && f.Lacks(host.Features) == nil
}
