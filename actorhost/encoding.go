package actorhost

import (
	"bytes"
	"fmt"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
)

// encodeIfChanged returns the state to store after a turn, or nil if the turn has not changed it.
func (a *activation) encodeIfChanged(t turn, changes *commit.Changes, ended time.Duration) ([]byte, error) {
	if err := a.leaseOver(t, ended); err != nil {
		return nil, err
	}
	buffer := buffers.Get().(*[]byte)
	defer putBuffer(buffer)
	state, err := a.encode((*buffer)[:0])
	if err != nil {
		return nil, a.internalError(a.now.Load(), t, fmt.Errorf("encoding the state: %w", err))
	}
	*buffer = state
	if a.created && codec.Equal(state, a.current) {
		if changes.Any() {
			if err := a.cannotWrite(t); err != nil {
				return nil, err
			}
			stored := len(a.storedState())
			return nil, a.checkStored(stored, stored, changes.Parts)
		}
		return nil, nil
	}
	if t.readOnly { // and scheduled
		return nil, a.checkRead(t.action)
	}
	if err := a.cannotWrite(t); err != nil {
		return nil, err
	}
	state = bytes.Clone(state)
	toStore, merged, err := a.mergeUnknownFields(state)
	if err != nil {
		return nil, a.internalError(a.now.Load(), t, err)
	}
	if err := a.checkStored(len(toStore), len(a.storedState()), changes.Parts); err != nil {
		return nil, err
	}
	a.created = true
	a.current, a.merged = state, merged
	a.kind.noteSize(len(toStore))
	return toStore, nil
}

// noteSize remembers the size of the largest state.
func (t *actorType) noteSize(size int) {
	for {
		largest := t.largest.Load()
		if int64(size) <= largest || t.largest.CompareAndSwap(largest, int64(size)) {
			return
		}
	}
}

// checkStored checks whether what a turn has changed may be stored: the record has room for it, see checkSize, and the tenant may have
// more, if it is more.
func (a *activation) checkStored(state, before int, changes []record.Change) error {
	if err := a.checkSize(state, before, changes); err != nil {
		return err
	}
	if a.tenant == nil {
		return nil
	}
	more := int64(state - before)
	for _, change := range changes {
		if set, ok := change.(*record.SetItems); ok {
			more += set.Added()
		}
	}
	if err := a.tenant.Store(more); err != nil {
		return err
	}
	return nil
}

// checkSize checks whether a record has room for a state of this size, that before had another, and for the changes of a
// turn.
func (a *activation) checkSize(state, before int, changes []record.Change) error {
	unused := int64(0) // of the room for answers, for a state that was stored when they had none
	if state <= before && !a.host.records.Fits(int64(before)) {
		unused = record.AnswersRoom - a.gate.RoomForAnswers()
	}
	size := int64(state) + a.gate.Grown(changes) - unused
	if !a.host.records.Fits(size) {
		if err := a.gate.Settle(); err != nil { // afterwards the events of earlier turns need no room
			return errs.Unavailable("%v", err)
		}
		size = int64(state) + a.gate.Grown(changes) - unused
	}
	if !a.host.records.Fits(size) {
		return errs.New(troupe.CodeTooLarge,
			"the state of %s, with its events and subscriptions, would have %d bytes, at most %d can be stored",
			a.id, size, a.host.records.MaxState())
	}
	return nil
}

// checkChanges checks whether the record can take changes that no turn makes.
func (a *activation) checkChanges(changes []record.Change) error {
	if err := a.cannotWrite(turn{}); err != nil {
		return err
	}
	if err := a.ensureEncoded(); err != nil {
		return err
	}
	stored := len(a.storedState())
	return a.checkSize(stored, stored, changes)
}

// mergeUnknownFields returns the state to store: its encoding with the record's fields that this program does not know.
// If there are such fields, merged is that too.
func (a *activation) mergeUnknownFields(state []byte) (toStore, merged []byte, err error) {
	if a.merged == nil {
		return state, nil, nil
	}
	if merged, err = codec.Merge(a.merged, a.current, state); err != nil {
		return nil, nil, fmt.Errorf("keeping the fields that are not known here: %w", err)
	}
	if codec.Equal(merged, state) {
		return state, nil, nil
	}
	return merged, merged, nil
}

// encode appends the encoding of the state to a buffer. This may run the actor's own code.
func (a *activation) encode(buffer []byte) (state []byte, err error) {
	defer recoverPanic(&err)
	return a.state.encode(buffer)
}

// ensureEncoded encodes the state again if the encoding was dropped at rest.
func (a *activation) ensureEncoded() (err error) {
	if a.created && a.current == nil {
		a.current, err = a.encode([]byte{})
	}
	return err
}

// storedState returns the state as the record has it, for a turn that has not changed it, or for what is none. It is nil if it
// cannot be encoded again.
func (a *activation) storedState() []byte {
	if a.ensureEncoded() != nil {
		return nil
	}
	if a.merged != nil {
		return a.merged
	}
	return a.current
}
