package actorhost

import (
	"reflect"

	"github.com/troupe-go/troupe/actorhost/internal/call"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/dedup"
)

// endpoint is an action of an actor type, with the counters of its calls on this host.
type endpoint struct {
	run   action       // nil for the built-in actions
	takes reflect.Type // the input; nil for the built-in actions without a hook
	gives reflect.Type // the output; nil for the built-in actions
	call.Counters
}

// sum tells calls of one identity apart by what they ask for: the action, and the input as the action takes it, in
// whatever encoding it has come.
func (e *endpoint) sum(action string, in input) uint64 {
	var canonical []byte
	err := protect(func() (err error) { // methods of the input may run
		canonical, err = e.canonical(in)
		return err
	})
	if err != nil { // the action cannot take it either
		canonical = in.body
	}
	return dedup.Sum(action, canonical)
}

func (e *endpoint) canonical(in input) ([]byte, error) {
	if e.takes == nil {
		return in.body, nil
	}
	value := reflect.New(e.takes)
	if err := in.as.Unmarshal(in.body, value.Interface()); err != nil {
		return nil, err
	}
	data, err := codec.MsgPack.Append(nil, value.Elem().Interface())
	if err != nil || len(data) == 0 {
		return nil, err
	}
	return codec.AppendCanonical(nil, data)
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
