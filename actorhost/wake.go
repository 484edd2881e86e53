package actorhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/actorhost/internal/lives"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/dedup"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

// maxClaims limits how often a claim is tried when other hosts win.
const maxClaims = 16

// wake makes this host the owner of the actor and runs its hooks. w is the call that wakes the actor; fresh reports
// whether it has created the actor. If another host owns the actor, wake returns that host and the actor stays asleep.
// It passes over the host that has released the actor. If a hook destroys the actor, w is answered.
func (a *activation) wake(w *work, gone released) (fresh bool, owner string, err error) {
	ctx, cancel := context.WithDeadline(a.host.ctx, a.host.clock.Time(w.Deadline))
	defer cancel()
	began := a.host.clock.Now()
	a.wakes.Store(int64(began))
	defer a.wakes.Store(0)
	owner, fresh, err = a.claim(ctx, w, gone)
	if err != nil || owner != "" || a.blank {
		return false, owner, err
	}
	if a.sub, err = a.host.nc.ChanSubscribe(a.host.ns.Call(a.id, "*"), a.host.inbox); err != nil {
		return false, "", errs.Unavailable("%v", err)
	}
	if a.borrowed == nil {
		if err := a.gate.SendLeft(ctx); err != nil {
			return false, "", errs.Unavailable("%v", err)
		}
		a.gate.SendItems()
	}
	if !a.created {
		if err := a.create(w); err != nil || a.destroyed {
			return false, "", err
		}
		fresh = true
	}
	if hook := a.kind.hooks.wake; hook != nil {
		result, err := a.runTurn(hookTurn("wake", w), func(c *Context) error { return hook(a.state.pointer(), c) })
		if err != nil {
			return false, "", err
		}
		if a.commitWoken(&result, &commit.Output{}, w); a.destroyed {
			return false, "", nil
		}
	}
	a.awake = true
	a.openSnapshotReads()
	a.plan()
	a.startLoop()
	a.runFlow()
	now := a.host.clock.Now()
	a.hasWoken(now)
	a.countWoken(now-began, fresh)
	if tell := a.host.config.CheckState; tell != nil {
		a.check = lives.New(a.state.pointer(), func(lost error) { tell(a.id, lost) })
	}
	return fresh, "", nil
}

// claiming is what may fail for long.
const claiming = "claiming an actor failed"

// claim writes this host into the actor's record as the owner, by compare-and-set on the revision that it has read. The
// same write creates an actor that has no on-create hook. If the last actor of this type to wake was new, claim assumes
// that this one is new too: it reads the record only if the write finds one.
func (a *activation) claim(ctx context.Context, w *work, gone released) (owner string, created bool, err error) {
	looks := w.reads && a.kind.create == nil && a.kind.hooks.wake == nil
	guess := a.kind.lastWasNew.Load() && !w.Existing && !looks && gone.by == "" && a.tenant == nil
	counted := false
	for range maxClaims {
		var f foundRecord
		guessed := guess
		if guess = false; !guessed {
			f, err = a.host.readRecord(ctx, a.id)
		}
		if err == nil {
			owner, err = a.otherHost(ctx, w, &f, gone)
		}
		if err != nil || owner != "" {
			return owner, false, err
		}
		if looks && !f.Created && f.Owner == "" {
			return "", false, a.lookAtNew()
		}
		if !f.Created && !counted {
			if err := a.tenant.Create(newRecord(&f)); err != nil {
				return "", false, err
			}
			counted = true
		}
		claim := f.Record
		claim.Owner, claim.Epoch = a.session.ID, f.NextEpoch(time.Now())
		if err := protect(func() error { return a.load(&claim, w) }); err != nil {
			return "", false, a.callerError(&Context{turn: turnOf(w)}, err)
		}
		switch revision, err := a.writeClaim(ctx, claim); {
		case err == nil:
			a.host.faults.Works(claiming)
			a.gate.Claimed(revision, claim.State)
			a.tenant.Grow(newRecord(&f) + int64(len(claim.State)-len(f.State)))
			a.epoch, a.created = claim.Epoch, claim.Created
			a.kind.lastWasNew.Store(f.Revision == 0)
			return "", claim.Created && !f.Created, nil
		case store.Lasts(err) && guessed:
			// The record may name this host.
		case store.Lasts(err) && a.mayBorrow(&f):
			a.failed(claiming, err)
			a.borrow(&f, claim.State, err)
			return "", false, nil
		case !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrOutcomeUnknown):
			a.failed(claiming, err)
			return "", false, errs.Unavailable("%v", err)
		}
	}
	return "", false, errs.Unavailable("%s: other hosts claimed it first, %d times", a.id, maxClaims)
}

// newRecord is how many bytes a claim adds to what is stored, without the state.
func newRecord(f *foundRecord) int64 {
	if f.Created || f.Owner != "" {
		return 0
	}
	return store.StoredExtra
}

// lookAtNew has a read-only action that runs next see the state of a new actor. It is the actor's at the moment: there is none.
func (a *activation) lookAtNew() error {
	return protect(func() error {
		a.state, a.current, a.merged, a.blank = a.kind.newState(), nil, nil, true
		return nil
	})
}

// otherHost returns the host that a call must go to instead, if any: the owner if it is up, or a host with features
// that this one lacks. If it returns neither a host nor an error, this host may claim the actor.
func (a *activation) otherHost(ctx context.Context, w *work, f *foundRecord, gone released) (string, error) {
	a.ownerEpoch, a.taken = f.Epoch, f.Owner != "" && f.Owner != a.session.ID
	if w.Existing && !f.Created {
		return "", errs.New(troupe.CodeNotFound, "there is no actor %s", a.id)
	}
	a.gate.Restore(f.parts)
	if w.Action == troupe.CreateAction && f.Created && f.lacks == nil {
		if _, _, v := a.gate.Find(&w.Call); v == dedup.New {
			return "", alreadyExists(a.id)
		}
	}
	if f.Owner != "" && f.Owner != a.session.ID && gone != (released{f.Owner, f.Epoch}) {
		switch up, err := a.host.presence.WaitForOwner(ctx, f.Owner); {
		case err != nil:
			return "", errs.Unavailable("%v", err)
		case up:
			return f.Owner, nil
		}
	}
	if f.lacks != nil {
		return a.host.capableHost(ctx, a.id, f, gone.by)
	}
	return "", nil
}

// writeClaim is [store.Records.Put] by way of [store.Records.Write], where many writes at a time cost little more than
// one.
func (a *activation) writeClaim(ctx context.Context, claim record.Record) (uint64, error) {
	done := make(chan store.Outcome, 1)
	if a.host.records.Write(store.Write{
		ID:   a.id,
		Take: func(bool) (record.Record, bool) { return claim, ctx.Err() == nil },
		Done: func(o store.Outcome) { done <- o },
	}) == nil {
		select {
		case o := <-done:
			if o.Err == nil || errors.Is(o.Err, store.ErrConflict) || errors.Is(o.Err, store.ErrOutcomeUnknown) || store.Lasts(o.Err) {
				return o.Revision, o.Err
			}
		case <-ctx.Done():
			return 0, fmt.Errorf("%w: %w", store.ErrOutcomeUnknown, ctx.Err())
		}
	}
	return a.host.records.Put(ctx, a.id, claim) // Put waits for a connection, or for the stream's leader
}

// load makes the state from the actor's record, or the state of a new actor. It runs the actor's own code.
func (a *activation) load(claim *record.Record, w *work) error {
	a.state, a.current, a.merged = a.kind.newState(), nil, nil
	if claim.Created {
		return a.restore(claim.State)
	}
	if a.kind.create != nil {
		return nil // the on-create hook creates the actor
	}
	if w.Action == troupe.CreateAction {
		var none troupe.None
		if err := w.As.Unmarshal(w.Data, &none); err != nil {
			a.misread = true
			return errs.New(troupe.CodeBadInput, "%s is created without an input: %v", a.id, err)
		}
	}
	state, err := a.state.encode([]byte{})
	if err != nil {
		return err
	}
	claim.Created, claim.State, a.current = true, state, state
	if w.Action == troupe.CreateAction {
		a.gate.Remember(&w.Call, dedup.Answer{})
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

// commitWoken is commitTurn for a hook that runs as a call wakes the actor. If the hook has destroyed the actor, the call
// is answered: not_found.
func (a *activation) commitWoken(r *result, o *commit.Output, w *work) {
	if r.destroyed {
		err := errs.New(troupe.CodeNotFound, "%s has destroyed itself as it woke", a.id)
		w.CountRefused(err)
		o.Call, o.Reply = w.Call, a.host.out.ErrorReply(&w.Call, w.As, err)
	}
	a.commitTurn(r, o)
}

// create runs the on-create hook. If it does not return, or fails, there is no record of the actor.
func (a *activation) create(w *work) error {
	created, done := commit.Output{}, false
	defer func() {
		if !done {
			a.unclaim()
		}
	}()
	given, in := w.Action == troupe.CreateAction, w.input() // not w, so that not every call escapes to the heap
	result, err := a.runTurn(hookTurn("create", w), func(c *Context) error {
		return a.kind.create(a.state.pointer(), c, in, given)
	})
	if err != nil {
		return err
	}
	if given {
		created.Call = w.Call
	}
	result.Shared = true // the record must say that the actor exists
	a.commitWoken(&result, &created, w)
	if a.destroyed {
		done = true
		return nil
	}
	if err := a.gate.Settle(); err != nil {
		return errs.Unavailable("%v", err)
	}
	done = true
	return nil
}

// unclaim removes the record of an actor that was not created after all.
func (a *activation) unclaim() {
	ctx, cancel := context.WithTimeout(a.host.ctx, 5*time.Second)
	defer cancel()
	claim := record.Record{Revision: a.gate.Revision(), Epoch: a.epoch}
	a.gate.Fill(&claim)
	if err := a.host.records.Delete(ctx, a.id, claim); err != nil && !errors.Is(err, store.ErrConflict) {
		a.logger("").Warn("removing the record of an actor that was not created failed", slog.Any("error", err))
	}
}

func alreadyExists(id troupe.ID) *troupe.Error {
	return errs.New(troupe.CodeAlreadyExists, "the actor %s exists already", id)
}

// countWoken counts how long an actor took to wake.
func (a *activation) countWoken(took time.Duration, fresh bool) {
	why := slept
	switch {
	case fresh:
		why = wasNew
	case a.taken:
		why = takenOver
	}
	a.host.woken[why].Add(took)
}
