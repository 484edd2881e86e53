package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/store"
)

// ownerTimeout is how long an actor's owner may take to reply to a ping.
const ownerTimeout = 250 * time.Millisecond

// recoverOwner recovers the journal of the actor's owner if that is gone, because nobody may have called one of its
// actors since. If the owner does not reply, it waits for the owner's lease to run out.
func recoverOwner(ctx context.Context, r actorRecord) error {
	record, err := r.records.Get(ctx, r.id)
	if err != nil || record.Owner == "" {
		return nil //nolint:nilerror // the write of the record will report what is wrong
	}
	asking, cancel := context.WithTimeout(ctx, ownerTimeout)
	defer cancel()
	switch err := r.ask(asking, r.namespace.Ping(record.Owner), nil); {
	case err == nil:
		return nil // the owner wrote the record when the actor fell asleep
	case errors.Is(err, troupe.ErrDenied):
		return err
	}
	if err := r.revoke(ctx, record.Owner); err != nil {
		return err
	}
	journals, err := store.FindJournals(ctx, r.records, r.namespace)
	if err != nil || journals == nil {
		return err
	}
	return journals.Recover(ctx, record.Owner)
}

// revoke ends the lease of the actor's owner, which does not reply, when it has run out.
func (r actorRecord) revoke(ctx context.Context, owner string) error {
	silent := &troupe.Error{Code: troupe.CodeUnavailable,
		Message: fmt.Sprintf("the host of %s, %s, does not reply but still has its lease: try again", actorText(r.id), owner)}
	leases, err := store.FindHosts(ctx, r.nc, r.namespace)
	if err != nil || leases == nil {
		return err
	}
	if err := awaitEnd(ctx, leases, owner, r.timeout); errors.Is(err, context.DeadlineExceeded) {
		return silent
	} else if err != nil {
		return err
	}
	revision, _, err := leases.Revision(ctx, owner)
	if err != nil {
		return err
	}
	err = leases.Revoke(ctx, owner, revision)
	if errors.Is(err, store.ErrConflict) {
		return silent // the replica that was asked lags: the lease is still there
	}
	return err
}
