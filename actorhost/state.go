package actorhost

import "github.com/troupe-go/troupe/codec"

// state is the state of one activation, without its type.
type state interface {
	// pointer is the *S that handlers work on. It stays the same for the life of the activation: handlers of events
	// hold on to it.
	pointer() any
	// encode appends the encoding of the exported fields.
	encode(dst []byte) ([]byte, error)
	// restore sets the exported fields to what was encoded. Unexported ones stay as they are, and so do those that the
	// encoding lacks because they are newer than it.
	restore(encoded []byte) error
	// reset makes it the state of a new actor.
	reset()
}

type typedState[S any] struct {
	newState func() S
	value    S
}

func (s *typedState[S]) pointer() any { return &s.value }

func (s *typedState[S]) reset() { s.value = s.newState() }

func (s *typedState[S]) encode(dst []byte) ([]byte, error) {
	return codec.MsgPack.Append(dst, &s.value)
}

// restore relies on Update, which clears the fields that were written: a map entry that was deleted, or a field left out
// because it is empty, must not come back from what newState makes.
func (s *typedState[S]) restore(encoded []byte) error {
	if _, none := any(&s.value).(*struct{}); none {
		return nil // which encodes to nothing: see codec.Codec
	}
	return codec.Update(encoded, &s.value)
}
