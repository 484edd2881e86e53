package troupe

import (
	"context"
	"iter"
)

// Stream is an action that answers with many values, one after the other, such as the words of a text that is being written, or
// the progress of a long job. A contract declares it as a package variable; actorhost.OnStream implements it.
type Stream[R Reference, In, Item any] struct{ name string }

// NewStream declares a stream by its name on the wire, which is that of the action: see [NewAction].
func NewStream[R Reference, In, Item any](name string) Stream[R, In, Item] {
	return Stream[R, In, Item]{name}
}

// Name is the stream's name on the wire.
func (s Stream[R, In, Item]) Name() string { return s.name }

// Call has the actor that ref refers to produce the values, and yields them as they come, in order, each once. The actor takes other
// calls meanwhile, and stays awake. It produces no more than 4,096 values, or 1 MB, ahead of the reader.
//
// To break out of the loop, or to end ctx, ends the stream: the actor hears it at once. A ctx without a deadline has time without
// end; only the opening must then be over within client.Config.Timeout. In an actor's turn the stream ends with the turn.
//
// An error is the last that is yielded, and is an [*Error]: that of the actor's code; [ErrUnavailable] when the actor
// falls asleep or changes hosts; [ErrOutcomeUnknown] when values were lost on the way, or nothing was heard of the host for 8 s. A
// stream that has ended so is not resumed: where to go on belongs in the input.
func (s Stream[R, In, Item]) Call(ctx context.Context, ref R, in In) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for decode, err := range ref.embedTroupeRef().stream(ctx, ref.ActorType(), s.name, in) {
			var item Item
			if err == nil {
				err = decode(&item)
			}
			if !yield(item, err) || err != nil {
				return
			}
		}
	}
}

// StreamRequest opens a stream, untyped.
type StreamRequest struct {
	ID       ID
	Stream   string
	Existing bool // the call must not create the actor
	In       any
}

func (r Ref) stream(ctx context.Context, actorType, name string, in any) iter.Seq2[func(any) error, error] {
	r = r.in(ctx)
	if err := r.ready(actorType, name); err != nil {
		return func(yield func(func(any) error, error) bool) { yield(nil, err) }
	}
	return r.caller.Stream(ctx, StreamRequest{ID: r.id, Stream: name, Existing: r.existing, In: in})
}
