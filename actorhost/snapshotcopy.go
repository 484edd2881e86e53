package actorhost

import (
	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/actorhost/internal/lives"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/errs"
)

// Reads of the same snapshot share one copy of the state, which the first of them decodes. One that is checked has a copy of its own,
// so that nobody runs beside it while it is compared, and it is surely the one to blame.

// sharedCopy returns the copy of a snapshot that its reads share.
func (a *activation) sharedCopy(of *commit.Snapshot) (state, error) {
	s := a.snapshotReads
	s.copying.Lock()
	defer s.copying.Unlock()
	if s.of == of {
		return s.copied, nil
	}
	fresh, err := a.freshCopy(of)
	if err == nil {
		s.of, s.copied = of, fresh
	}
	return fresh, err
}

// freshCopy decodes a snapshot. It runs the actor's own code.
func (a *activation) freshCopy(of *commit.Snapshot) (fresh state, err error) {
	err = protect(func() error {
		fresh = a.kind.newState()
		return fresh.restore(of.State)
	})
	if err != nil {
		return nil, errs.New(troupe.CodeStateCorrupt, "the state of %s cannot be decoded: %v", a.id, err)
	}
	return fresh, nil
}

// checkedCopy is a copy for one read that is checked.
type checkedCopy struct {
	a *activation
	state
	of      *commit.Snapshot
	encoded []byte
	hidden  *lives.Check // nil without Config.CheckState
}

// checkedCopy makes one, for a run of an endpoint.
func (a *activation) checkedCopy(of *commit.Snapshot, e *endpoint) (*checkedCopy, error) {
	fresh, err := a.freshCopy(of)
	if err != nil {
		return nil, err
	}
	copied := &checkedCopy{a: a, state: fresh, of: of}
	if err := protect(func() (err error) { copied.encoded, err = fresh.encode([]byte{}); return err }); err != nil {
		return nil, err
	}
	e.unchecked.Store(int64(checkEvery + len(copied.encoded)/bytesPerRead))
	if tell := a.host.config.CheckState; tell != nil {
		copied.hidden = lives.New(fresh.pointer(), func(lost error) { tell(a.id, lost) })
	}
	return copied, nil
}

// changed returns an error if an action has changed the copy. Then no other read gets what it may have changed before; else they share
// the copy from now on, for the same reason.
func (c *checkedCopy) changed(action string) error {
	var now []byte
	err := protect(func() (err error) {
		c.hidden.Turn(action, c.pointer(), 0, nil)
		now, err = c.encode(nil)
		return err
	})
	s := c.a.snapshotReads
	s.copying.Lock()
	defer s.copying.Unlock()
	if err == nil && codec.Equal(now, c.encoded) {
		s.of, s.copied = c.of, c.state
		return nil
	}
	s.of, s.copied = nil, nil
	return c.a.changedByReads(c.encoded, c.state, action)
}
