package actorhost

import "github.com/troupe-go/troupe/codec"

// state is an actor's state without its type.
type state interface {
	// pointer returns the *S that handlers work on. It stays the same during the activation: event handlers hold on to
	// it.
	pointer() any
	// encode appends the encoding of the exported fields to dst.
	encode(dst []byte) ([]byte, error)
	// restore sets the exported fields from an encoding. Unexported fields, and newer ones that the encoding does not
	// have, stay as they are.
	restore(encoded []byte) error
	// reset sets the state of a new actor.
	reset()
}

type typedState[S any] struct {
	newState func() S
	value    S
}

func (s *typedState[S]) pointer() any { return &s.value }

func (s *typedState[S]) reset() { s.value = s.newState() }

// encode first makes of times and of what is in an any what a later life would find, so that both lives see the same.
func (s *typedState[S]) encode(dst []byte) ([]byte, error) {
	if err := codec.Settle(&s.value); err != nil {
		return dst, err
	}
	return codec.MsgPack.Append(dst, &s.value)
}

// restore uses Update, which first clears the fields that the encoding has. Otherwise a deleted map entry, or a field
// left out because it is empty, would come back from newState.
func (s *typedState[S]) restore(encoded []byte) error {
	if _, none := any(&s.value).(*struct{}); none {
		return nil // encoded as nothing: see codec.Codec
	}
	return codec.Update(encoded, &s.value)
}
