package actorhost

import (
	"context"
	"iter"
	"reflect"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
)

// Stream is what the function behind a stream is given: see [OnStream]. It is a context.Context that is done when nobody reads the
// stream any more, or when the actor falls asleep, moves to another host or loses its lease; context.Cause says which. It is a
// troupe.Caller.
type Stream[S any] struct {
	besideCaller

	name string
}

var _ troupe.Caller = (*Stream[struct{}])(nil)

// Turn runs f as a turn of the actor, between two calls, and returns when what it has changed is stored. The Context is that
// of the turn. If f fails, nothing has changed, and Turn returns its error as a *troupe.Error. The error is [ErrSuspended]
// if the stream is over before f has begun.
func (s *Stream[S]) Turn(f func(*S, *Context) error) error {
	if s.Err() != nil {
		return ErrSuspended
	}
	return s.b.turn(s.name, func(c *Context) error { return f(c.a.state.pointer().(*S), c) })
}

// OnStream implements a stream with a function. What that returns runs beside the turns of the actor, which takes other calls
// meanwhile, and may take as long as it wants. It touches the state in [Stream.Turn] only. While it runs, the actor does not fall asleep.
//
// The iterator waits in yield when the reader is slower, and yield returns false once nobody reads any more: then it must return. So
// it must, within a second, when its context is done. An error that it yields is the end of the stream, and its reader's error, like
// that of an action. A panic is its end too.
//
// It has no identity: a reader that opens the stream again has it run again. An actor produces 1,000 streams at most at a time, and a
// host 10,000: more are troupe.CodeOverloaded. With ReadOnly it is an error of [Start].
func OnStream[R troupe.Reference, S, In, Item any](
	stream troupe.Stream[R, In, Item], f func(s *Stream[S], in In) iter.Seq2[Item, error],
) Handler[R, S] {
	if f == nil {
		return Handler[R, S]{name: stream.Name()}
	}
	open := func(_ any, c *Context, in input, dst []byte) ([]byte, error) { return dst, decodeInto(c, in, new(In)) }
	run := func(s *streaming, in input) error {
		var arg In
		if err := in.as.Unmarshal(in.body, &arg); err != nil {
			return err
		}
		c := &Stream[S]{besideCaller{s.ctx, s.beside}, stream.Name()}
		return yieldAll(c, s, f(c, arg))
	}
	return Handler[R, S]{
		name: stream.Name(), run: open, produce: run,
		takes: reflect.TypeFor[In](), gives: reflect.TypeFor[troupe.None](), items: reflect.TypeFor[Item](),
	}
}

// yieldAll sends what an iterator yields, until its first error.
func yieldAll[Item any](ctx context.Context, s *streaming, items iter.Seq2[Item, error]) error {
	if items == nil {
		return nil
	}
	var failed error
	buffer := buffers.Get().(*[]byte)
	defer putBuffer(buffer)
	items(func(item Item, err error) bool {
		if failed != nil {
			return false
		}
		if failed = meant(err); failed != nil {
			return false
		}
		var body []byte
		if body, failed = s.as.Append((*buffer)[:0], codec.Filled(item)); failed != nil {
			return false
		}
		if len(body) == 0 { // which would be the end
			body, _ = s.as.Append(body, (*int)(nil))
		}
		*buffer = body
		if failed = s.a.host.out.Fits("the stream", body); failed != nil {
			return false
		}
		failed = s.out.Add(ctx, body)
		return failed == nil
	})
	return failed
}
