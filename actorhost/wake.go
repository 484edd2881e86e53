package actorhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/dedup"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

// maxClaims bounds how often a claim is tried that others win.
const maxClaims = 16

// wake makes this host the owner of the actor and runs its hooks. w is the call that the actor wakes for; fresh says
// that it came to be with it. When another host than gone, which has released it, owns the actor, wake returns that
// host and the actor stays asleep.
func (a *activation) wake(w *work, gone string) (fresh bool, owner string, err error) {
	ctx, cancel := context.WithDeadline(a.host.ctx, a.host.clock.Time(w.Deadline))
	defer cancel()
	owner, fresh, err = a.claim(ctx, w, gone)
	if err != nil || owner != "" {
		return false, owner, err
	}
	if err := a.gate.SendLeft(ctx); err != nil {
		return false, "", errs.Unavailable("%v", err)
	}
	if !a.created {
		if err := a.create(w); err != nil {
			a.unclaim()
			return false, "", err
		}
		fresh = true
	}
	if hook := a.kind.hooks.wake; hook != nil {
		result, err := a.runTurn(turnOf(w), func(c *Context) error { return hook(a.state.pointer(), c) })
		if err != nil {
			return false, "", err
		}
		a.commitTurn(&result, &commit.Output{})
	}
	a.sub, err = a.host.nc.ChanSubscribe(a.host.ns.Call(a.id, "*"), a.host.inbox)
	if err != nil {
		return false, "", errs.Unavailable("%v", err)
	}
	a.awake = true
	return fresh, "", nil
}

// claim writes this host into the actor's record as its owner, with a compare-and-set on what it has read there. An
// actor without an on-create hook is created by the same write. Where the last actor of the type that came to life was a
// new one, this one is taken for new as well, and read only when there turns out to be a record.
func (a *activation) claim(ctx context.Context, w *work, gone string) (owner string, created bool, err error) {
	guess := a.kind.lastWasNew.Load() && !w.Existing && gone == ""
	for range maxClaims {
		var f foundRecord
		if !guess {
			f, err = a.host.readRecord(ctx, a.id)
		}
		guess = false
		if err == nil {
			owner, err = a.otherHost(ctx, w, &f, gone)
		}
		if err != nil || owner != "" {
			return owner, false, err
		}
		claim := f.Record
		claim.Owner, claim.Epoch = a.session.ID, 0
		if err := protect(func() error { return a.load(&claim, w) }); err != nil {
			return "", false, a.callerError(turnOf(w), err)
		}
		switch revision, err := a.writeClaim(ctx, claim); {
		case err == nil:
			a.gate.Claimed(revision, claim.State)
			a.epoch, a.created = revision, claim.Created
			a.kind.lastWasNew.Store(f.Revision == 0)
			return "", claim.Created && !f.Created, nil
		case !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrOutcomeUnknown):
			return "", false, errs.Unavailable("%v", err)
		}
	}
	return "", false, errs.Unavailable("%s is claimed by many hosts", a.id)
}

// otherHost is the host that a call must go to instead, if there is one: who owns the actor and is up, or who has what this
// one lacks. Without an error, and another host, this one may claim the actor.
func (a *activation) otherHost(ctx context.Context, w *work, f *foundRecord, gone string) (string, error) {
	if w.Existing && !f.Created {
		return "", errs.New(troupe.CodeNotFound, "there is no actor %s", a.id)
	}
	a.gate.Restore(f.parts)
	if w.Action == troupe.CreateAction && f.Created && f.lacks == nil {
		if _, _, v := a.gate.Find(&w.Call); v == dedup.New {
			return "", alreadyExists(a.id)
		}
	}
	if f.Owner != "" && f.Owner != a.session.ID && f.Owner != gone {
		switch up, err := a.host.presence.WaitForOwner(ctx, f.Owner); {
		case err != nil:
			return "", errs.Unavailable("%v", err)
		case up:
			return f.Owner, nil
		}
	}
	if f.lacks != nil {
		return a.host.capableHost(ctx, a.id, f, gone)
	}
	return "", nil
}

// writeClaim is [store.Records.Put] by the way of [store.Records.Write], where many at a time cost little more than one.
func (a *activation) writeClaim(ctx context.Context, claim record.Record) (uint64, error) {
	done := make(chan store.Outcome, 1)
	if a.host.records.Write(store.Write{
		ID:   a.id,
		Take: func(bool) (record.Record, bool) { return claim, ctx.Err() == nil },
		Done: func(o store.Outcome) { done <- o },
	}) == nil {
		select {
		case o := <-done:
			if o.Err == nil || errors.Is(o.Err, store.ErrConflict) || errors.Is(o.Err, store.ErrOutcomeUnknown) {
				return o.Revision, o.Err
			}
		case <-ctx.Done():
			return 0, fmt.Errorf("%w: %w", store.ErrOutcomeUnknown, ctx.Err())
		}
	}
	return a.host.records.Put(ctx, a.id, claim) // which waits for a connection, or for the stream's leader
}

// load, which runs the actor's own code, makes the state of an activation from its record, or the state of a new actor.
func (a *activation) load(claim *record.Record, w *work) error {
	a.state, a.current, a.merged = a.kind.newState(), nil, nil
	if claim.Created {
		return a.restore(claim.State)
	}
	if a.kind.create != nil {
		return nil // its hook has the say
	}
	if w.Action == troupe.CreateAction {
		var none troupe.None
		if err := w.As.Unmarshal(w.Data, &none); err != nil {
			return errs.New(troupe.CodeBadInput, "%s is created without an input: %v", a.id, err)
		}
	}
	state, err := a.state.encode([]byte{})
	if err != nil {
		return err
	}
	claim.Created, claim.State, a.current = true, state, state
	if w.Action == troupe.CreateAction {
		a.gate.Remember(&w.Call, nil)
		a.gate.Fill(claim)
	}
	return nil
}

// restore makes the state from its encoding in the record.
func (a *activation) restore(stored []byte) error {
	if err := a.state.restore(stored); err != nil {
		return errs.New(troupe.CodeStateCorrupt, "the state of %s cannot be decoded: %v", a.id, err)
	}
	current, err := a.state.encode(make([]byte, 0, len(stored)))
	if err != nil {
		return err
	}
	a.current = current
	if len(current) > 0 && !codec.Equal(stored, current) {
		a.merged = stored
	}
	return nil
}

// create runs the on-create hook.
func (a *activation) create(w *work) error {
	created := commit.Output{}
	given := w.Action == troupe.CreateAction
	result, err := a.runTurn(turnOf(w), func(c *Context) error {
		return a.kind.create(a.state.pointer(), c, w.input(), given)
	})
	if err != nil {
		return err
	}
	if given {
		created.Call = w.Call
	}
	result.Shared = true // the record is to say that there is an actor
	a.commitTurn(&result, &created)
	if err := a.gate.Settle(); err != nil {
		return errs.Unavailable("%v", err)
	}
	return nil
}

// unclaim removes the record of an actor that was not created after all.
func (a *activation) unclaim() {
	ctx, cancel := context.WithTimeout(a.host.ctx, 5*time.Second)
	defer cancel()
	if err := a.host.records.Delete(ctx, a.id, a.gate.Revision()); err != nil && !errors.Is(err, store.ErrConflict) {
		a.logger("").Warn("removing the record of an actor that was not created failed", slog.Any("error", err))
	}
}

func alreadyExists(id troupe.ID) *troupe.Error {
	return errs.New(troupe.CodeAlreadyExists, "there is an actor %s", id)
}
