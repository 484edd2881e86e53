package actorhost

import (
	"bytes"
	"fmt"
	"sync"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/actorhost/internal/faults"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
)

// encodeIfChanged returns what is to be stored for the state that a turn has left behind, nil when it is the one before the
// turn.
func (a *activation) encodeIfChanged(t turn, changes *commit.Changes, ended time.Duration) ([]byte, error) {
	if faults.Fencing && !a.session.ValidAt(ended) {
		return nil, errs.Unavailable("%v", commit.ErrNoLease)
	}
	buffer := buffers.Get().(*[]byte)
	defer putBuffer(buffer)
	state, err := a.encode((*buffer)[:0])
	if err != nil {
		return nil, a.internalError(t, fmt.Errorf("encoding the state: %w", err))
	}
	*buffer = state
	if a.created && codec.Equal(state, a.current) {
		if changes.Any() {
			return nil, a.checkSize(len(a.storedState()), changes.Parts)
		}
		return nil, nil
	}
	state = bytes.Clone(state)
	whole, more, err := a.mergeUnknownFields(state)
	if err != nil {
		return nil, a.internalError(t, err)
	}
	if err := a.checkSize(len(whole), changes.Parts); err != nil {
		return nil, err
	}
	a.created = true
	a.current, a.merged = state, more
	return whole, nil
}

// checkSize checks whether a record has room for a state of this size and for what a turn wants to have in it besides.
func (a *activation) checkSize(state int, changes []record.Change) error {
	size := int64(state) + a.gate.Grown(changes)
	if !a.host.records.Fits(size) {
		if err := a.gate.Settle(); err != nil { // then the events of earlier turns need no more room
			return errs.Unavailable("%v", err)
		}
		size = int64(state) + a.gate.Grown(changes)
	}
	if !a.host.records.Fits(size) {
		return errs.New(troupe.CodeTooLarge,
			"the state of %s, with its events and subscriptions, would have %d bytes, at most %d can be stored",
			a.id, size, a.host.records.MaxState())
	}
	return nil
}

// mergeUnknownFields is the encoding of a state with the fields that this program does not know, and the same again if there are any.
func (a *activation) mergeUnknownFields(state []byte) (whole, more []byte, err error) {
	if a.merged == nil {
		return state, nil, nil
	}
	if more, err = codec.Merge(a.merged, a.current, state); err != nil {
		return nil, nil, fmt.Errorf("keeping the fields that are not known here: %w", err)
	}
	if codec.Equal(more, state) {
		return state, nil, nil
	}
	return more, more, nil
}

// encode appends the encoding of the state to a buffer, which may run the actor's own code.
func (a *activation) encode(buffer []byte) (state []byte, err error) {
	defer recoverPanic(&err)
	return a.state.encode(buffer)
}

// ensureEncoded makes the encoding again that an actor has dropped at rest.
func (a *activation) ensureEncoded() (err error) {
	if a.created && a.current == nil {
		a.current, err = a.encode([]byte{})
	}
	return err
}

// storedState is what the record has for the state of a turn that has not changed it.
func (a *activation) storedState() []byte {
	if a.merged != nil {
		return a.merged
	}
	return a.current
}

// buffers has buffers for encodings that are only looked at, mostly to find that nothing has changed, or sent at once.
var buffers = sync.Pool{New: func() any { buffer := make([]byte, 0, 1<<10); return &buffer }}

// maxKeptBuffer is how many bytes a buffer may have that is kept.
const maxKeptBuffer = 256 << 10

func putBuffer(buffer *[]byte) {
	if cap(*buffer) <= maxKeptBuffer {
		buffers.Put(buffer)
	}
}
