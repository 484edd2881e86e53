package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/store"
)

// ownerAnswers is how long an actor's owner is given to say that it is up.
const ownerAnswers = 250 * time.Millisecond

// recoverOwner brings into the records what only the journal of an actor's owner has, if that is gone: nobody may have
// called one of its actors since. One that does not answer is waited for until its lease has run out.
func (e env) recoverOwner(ctx context.Context, nc *nats.Conn, records *store.Records, id troupe.ID) error {
	record, err := records.Get(ctx, id)
	if err != nil || record.Owner == "" {
		return nil //nolint:nilerror // who writes the record finds out what is wrong with it
	}
	asking, cancel := context.WithTimeout(ctx, ownerAnswers)
	defer cancel()
	if e.ask(asking, nc, e.namespace.Ping(record.Owner), nil) == nil {
		return nil // it has written the record as the actor fell asleep
	}
	silent := &troupe.Error{Code: troupe.CodeUnavailable,
		Message: fmt.Sprintf("the host of %s, %s, does not answer and has its lease still: try again", id, record.Owner)}
	if err := e.awaitEnd(ctx, nc, record.Owner, e.timeout); errors.Is(err, context.DeadlineExceeded) {
		return silent
	} else if err != nil {
		return err
	}
	leases, err := store.OpenHosts(ctx, nc, e.namespace, 0)
	if err != nil {
		return err
	}
	revision, _, err := leases.Revision(ctx, record.Owner)
	if err != nil {
		return err
	}
	if err := leases.Revoke(ctx, record.Owner, revision); errors.Is(err, store.ErrConflict) {
		return silent // but for the replica that has just been asked
	} else if err != nil {
		return err
	}
	journals, err := store.OpenJournals(ctx, records, e.namespace, 0, false)
	if err != nil {
		return err
	}
	return journals.Recover(ctx, record.Owner)
}
