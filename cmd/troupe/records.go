package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

// findRecords opens the records of the namespace, or returns nil if no host has run yet.
func (c connection) findRecords(ctx context.Context) (*store.Records, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	return store.FindRecords(ctx, c.nc, c.namespace)
}

// eachRecord reads all records of the type, or of all types.
func (c connection) eachRecord(
	ctx context.Context, actorType string, damaged *int, each func(store.ListedRecord, *record.Parts) error,
) error {
	records, err := c.findRecords(ctx)
	if err != nil || records == nil {
		return err
	}
	defer func() { _ = records.Close() }() // no write is in flight
	for one, err := range records.List(ctx, actorType) {
		switch {
		case errors.Is(err, record.ErrCorrupt):
			*damaged++
			continue
		case err != nil:
			return fmt.Errorf("listing the actors: %w", err)
		}
		parts, err := one.Open()
		if err != nil {
			return err
		}
		if err := each(one, &parts); err != nil {
			return err
		}
	}
	return nil
}

// actorRecord is an actor, which need not exist, with the records and the connection.
type actorRecord struct {
	connection
	id      troupe.ID
	records *store.Records
}

// withRecord is [env.withConnection] for the record of an actor.
func (e env) withRecord(ctx context.Context, id troupe.ID, use func(context.Context, actorRecord) error) error {
	return e.withConnection(ctx, func(ctx context.Context, c connection) error {
		records, err := c.findRecords(ctx)
		if err != nil {
			return err
		}
		if records == nil {
			return notFound(id)
		}
		defer func() { _ = records.Close() }() // no write is in flight
		return use(ctx, actorRecord{c, id, records})
	})
}

// get returns the record of an existing actor. If it cannot be decoded, get returns its revision and record.ErrCorrupt.
func (r actorRecord) get(ctx context.Context) (record.Record, error) {
	found, err := r.records.Get(ctx, r.id)
	return r.check(found, err)
}

// check checks a record that was read: see [actorRecord.get].
func (r actorRecord) check(found record.Record, err error) (record.Record, error) {
	if err == nil {
		_, err = found.Open()
	}
	switch {
	case errors.Is(err, record.ErrCorrupt):
		return record.Record{Revision: found.Revision}, corrupt(r.id, err)
	case err == nil && !found.Created:
		err = notFound(r.id)
	}
	return found, err
}

// expect returns an error if a revision is wanted and the record that was read has another.
func (r actorRecord) expect(wanted uint64, found record.Record) error {
	if wanted != 0 && wanted != found.Revision {
		return conflictError{fmt.Errorf("%s is at revision %d, not %d: nothing is changed", actorText(r.id), found.Revision, wanted)}
	}
	return nil
}

// explainConflict explains the error of a write that lost against another one.
func (r actorRecord) explainConflict(err error) error {
	if errors.Is(err, store.ErrConflict) {
		return conflictError{fmt.Errorf("%s was woken or written at the same time: nothing is changed, try again", actorText(r.id))}
	}
	return err
}

func notFound(id troupe.ID) error { return nothingFound("there is no actor %s", actorText(id)) }

func nothingFound(format string, args ...any) error {
	return &troupe.Error{Code: troupe.CodeNotFound, Message: fmt.Sprintf(format, args...)}
}

func corrupt(id troupe.ID, err error) error {
	return &troupe.Error{Code: troupe.CodeStateCorrupt, Err: err,
		Message: fmt.Sprintf("%v. To see its bytes: troupe state get %s %q --raw", err, id.Type(), keyText(id))}
}
