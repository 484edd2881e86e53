package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/store"
)

// ownerTimeout is how long an actor's owner is given to say that it is up.
const ownerTimeout = 250 * time.Millisecond

// recoverOwner brings into the records what only the journal of an actor's owner has, if that is gone: nobody may have
// called one of its actors since. One that does not answer is waited for until its lease has run out.
func recoverOwner(ctx context.Context, r actorRecord) error {
	record, err := r.records.Get(ctx, r.id)
	if err != nil || record.Owner == "" {
		return nil //nolint:nilerror // who writes the record finds out what is wrong with it
	}
	asking, cancel := context.WithTimeout(ctx, ownerTimeout)
	defer cancel()
	if r.ask(asking, r.namespace.Ping(record.Owner), nil) == nil {
		return nil // it has written the record as the actor fell asleep
	}
	silent := &troupe.Error{Code: troupe.CodeUnavailable,
		Message: fmt.Sprintf("the host of %s, %s, does not answer and has its lease still: try again", r.id, record.Owner)}
	leases, err := store.OpenHosts(ctx, r.nc, r.namespace, 0)
	if err != nil {
		return err
	}
	if err := awaitEnd(ctx, leases, record.Owner, r.timeout); errors.Is(err, context.DeadlineExceeded) {
		return silent
	} else if err != nil {
		return err
	}
	revision, _, err := leases.Revision(ctx, record.Owner)
	if err != nil {
		return err
	}
	if err := leases.Revoke(ctx, record.Owner, revision); errors.Is(err, store.ErrConflict) {
		return silent // the replica that was asked lags: the lease is still there
	} else if err != nil {
		return err
	}
	journals, err := store.OpenJournals(ctx, r.records, r.namespace, 0, false)
	if err != nil {
		return err
	}
	return journals.Recover(ctx, record.Owner)
}
