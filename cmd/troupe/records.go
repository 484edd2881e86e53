package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

// records connects to the records of a namespace that there is.
func (e env) records(ctx context.Context, id troupe.ID) (*nats.Conn, *store.Records, error) {
	nc, err := e.connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	ok, err := e.hasBucket(ctx, nc, "actors")
	if err == nil && !ok {
		err = notFound(id)
	}
	var records *store.Records
	if err == nil {
		records, err = store.OpenRecords(ctx, nc, e.namespace, 0)
	}
	if err != nil {
		err = explainDenied(nc, err)
		nc.Close()
		return nil, nil, err
	}
	return nc, records, nil
}

// stored is the record of an actor that there is. One that cannot be decoded comes with record.ErrCorrupt.
func stored(ctx context.Context, records *store.Records, id troupe.ID) (record.Record, error) {
	found, err := records.Get(ctx, id)
	return checked(id, found, err)
}

// checked looks into a record that was read: of one that cannot be decoded it leaves the revision.
func checked(id troupe.ID, found record.Record, err error) (record.Record, error) {
	if err == nil {
		_, err = found.Open()
	}
	switch {
	case errors.Is(err, record.ErrCorrupt):
		return record.Record{Revision: found.Revision}, damaged(id, err)
	case err == nil && !found.Created:
		err = notFound(id)
	}
	return found, err
}

func notFound(id troupe.ID) error {
	return &troupe.Error{Code: troupe.CodeNotFound, Message: fmt.Sprintf("there is no actor %s", id)}
}

func damaged(id troupe.ID, err error) error {
	return &troupe.Error{Code: troupe.CodeStateCorrupt, Err: err,
		Message: fmt.Sprintf("%v. To see its bytes: troupe state get %s %q --raw", err, id.Type(), id.KeyString())}
}
