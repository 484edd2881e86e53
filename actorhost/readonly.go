package actorhost

import (
	"log/slog"
	"strings"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/faults"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/errs"
)

// A read-only action is neither encoded nor compared after its turn, but for some that are checked.

// checkEvery is how many runs of a read-only action are not checked after one that was, on a host. A larger state has more of
// them, one for so many bytes, because to encode it takes longer.
const checkEvery, bytesPerRead = 63, 32

// toCheck reports whether a run of the action, which is about to begin, is one that is checked. Then the encoding of the state
// as it is now is there.
func (a *activation) toCheck(e *endpoint) bool {
	if !a.isChecked(e) {
		return false
	}
	if a.current == nil {
		state, err := a.encode([]byte{})
		if err != nil {
			return false // the next turn that may change something tells that
		}
		a.current = state
	}
	e.unchecked.Store(int64(checkEvery + len(a.current)/bytesPerRead))
	return true
}

// isChecked reports whether the next run of an action is one that is checked.
func (a *activation) isChecked(e *endpoint) bool {
	return a.host.config.CheckState != nil || e.unchecked.Add(-1) < 0
}

// checkRead returns an error if read-only actions have changed the state. Then it puts it back. Nothing may run beside it.
func (a *activation) checkRead(actions ...string) error {
	buffer := buffers.Get().(*[]byte)
	defer putBuffer(buffer)
	state, err := a.encode((*buffer)[:0])
	if err == nil {
		*buffer = state
	}
	if err == nil && codec.Equal(state, a.current) {
		if a.check != nil {
			a.checkState(strings.Join(actions, ", "), nil)
		}
		return nil
	}
	changed := a.changedByReads(a.current, a.state, actions...)
	a.restoreState()
	return changed
}

// changedByReads is the error of read-only actions that have changed a state, or a copy of it, which they share with nobody now.
func (a *activation) changedByReads(encoded []byte, now state, actions ...string) error {
	changed := errs.New(troupe.CodeInternal, "%s.%s is read-only, and has changed the state%s",
		a.id, strings.Join(actions, ", "), a.changedAt(encoded, now))
	a.logger("").Error("a read-only action has changed the state of its actor, which is undone", slog.Any("error", changed))
	if tell := a.host.config.CheckState; tell != nil {
		tell(a.id, changed)
	}
	return changed
}

// changedAt says where a state is not what it was.
func (a *activation) changedAt(encoded []byte, now state) (place string) {
	_ = protect(func() error {
		was := a.kind.newState()
		if err := was.restore(encoded); err != nil {
			return err
		}
		if err := codec.Difference(was.pointer(), now.pointer()); err != nil {
			place = ": " + err.Error()
		}
		return nil
	})
	return place
}

// leaseOver says that the lease has run out, if so: another host may have changed the state that a turn has seen.
func (a *activation) leaseOver(t turn, ended time.Duration) error {
	if faults.Fencing && !t.confirmed && !a.session.ValidAt(ended) {
		return errs.Unavailable("%v", a.session.Err())
	}
	return nil
}
