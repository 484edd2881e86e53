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
	if r.ask(asking, r.namespace.Ping(record.Owner), nil) == nil {
		return nil // the owner wrote the record when the actor fell asleep
	}
	silent := &troupe.Error{Code: troupe.CodeUnavailable,
		Message: fmt.Sprintf("the host of %s, %s, does not reply but still has its lease: try again", actorText(r.id), record.Owner)}
	leases, err := store.OpenHosts(ctx, r.nc, r.namespace, store.Settings{})
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
	journals, err := store.OpenJournals(ctx, r.records, r.namespace, store.Settings{}, false)
	if err != nil {
		return err
	}
	return journals.Recover(ctx, record.Owner)
}
