package actorhost

import (
	"reflect"
	"sync/atomic"

	"github.com/troupe-go/troupe/actorhost/internal/figures"
	"github.com/troupe-go/troupe/actorhost/internal/queues"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/dedup"
)

// endpoint is an action of an actor type, with the counters of its calls on this host.
type endpoint struct {
	run   action       // nil for the built-in actions
	takes reflect.Type // the input; nil for the built-in actions without a hook
	gives reflect.Type // the output; nil for the built-in actions that give none, or are not remembered
	items reflect.Type // of a stream; else nil
	// same appends the input of a built-in action in the form that all encodings of it have in common.
	same func(dst []byte, in *input) ([]byte, error)
	// existing: a call to an actor that does not exist is refused.
	existing bool
	// readOnly: it changes nothing. Of its runs, so many are not to be checked.
	readOnly  bool
	unchecked atomic.Int64
	// beside: it may run beside turns. reentrant: and may come back to an actor that waits for it.
	beside    bool
	reentrant bool
	figures.Counters
}

// queueHandler handles the messages of a queue.
type queueHandler struct {
	run     action
	takes   reflect.Type // a message
	retries queues.Retries
	inOrder bool
	figures.Counters
}

// mark is that of a call with a request id. It tells calls with one id apart by what they ask for: the action, and the input
// as the action takes it, in whatever encoding it has come. It decodes the input, which is then a value of in.
func (e *endpoint) mark(id dedup.ID, action string, in *input) *dedup.Mark {
	buffer := buffers.Get().(*[]byte)
	defer putBuffer(buffer)
	var canonical []byte
	err := protect(func() (err error) { // methods of the input may run
		canonical, err = e.canonical((*buffer)[:0], in)
		return err
	})
	if err != nil { // the action cannot take it either
		canonical = in.body
	}
	return dedup.NewMark(id, action, canonical)
}

// canonical uses the buffer.
func (e *endpoint) canonical(buffer []byte, in *input) ([]byte, error) {
	var data []byte
	var err error
	switch {
	case e.same != nil:
		data, err = e.same(buffer, in)
	case e.takes == nil:
		return in.body, nil
	default:
		value := reflect.New(e.takes)
		if err := in.as.Unmarshal(in.body, value.Interface()); err != nil {
			return nil, err
		}
		data, err = codec.MsgPack.Append(buffer, value.Elem().Interface())
		in.value = value.Interface()
	}
	if err != nil {
		return nil, err
	}
	if len(data) == 0 {
		return nil, nil
	}
	all, err := codec.AppendCanonical(data, data)
	return all[len(data):], err
}

// output is an output that was remembered, in the encoding of the caller who asks again.
func (e *endpoint) output(was dedup.Answer, as codec.Codec) ([]byte, error) {
	stored := codec.MsgPack
	if was.JSON {
		stored = codec.JSON
	}
	if stored == as || e.gives == nil || len(was.Output) == 0 {
		return was.Output, nil
	}
	value := reflect.New(e.gives)
	var output []byte
	err := protect(func() (err error) {
		if err = stored.Unmarshal(was.Output, value.Interface()); err == nil {
			output, err = as.Append(nil, value.Elem().Interface())
		}
		return err
	})
	return output, err
}

// input is what the action takes.
func (e *endpoint) input() reflect.Type {
	if e.takes == nil {
		return nothing
	}
	return e.takes
}
