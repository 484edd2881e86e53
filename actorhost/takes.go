package actorhost

import (
	"context"
	"errors"
	"reflect"
	"strings"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/internal/call"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/wire"
)

// Before an actor moves for a call to a host of another program, that host is asked whether it can take the input. Without
// that, calls that nobody can take would have actors move forth and back.

// maxAskTime is how long a host may take to say so.
const maxAskTime = confirmTimeout

// askTakes asks a host whether it can take a call. An event it takes if it has the handler.
func (r *roster) askTakes(ctx context.Context, w *work, host, actorType string) error {
	if w.Action == wire.NoticeAction || w.Action == wire.DueAction || w.Action == wire.QueuedAction {
		return nil
	}
	reply, err := r.requester.Do(ctx, &wire.Message{
		Subject: r.ns.Takes(host, actorType, w.Action),
		Header:  wire.Header{{Name: wire.HeaderContentType, Value: w.As.ContentType()}},
		Data:    w.Data,
	}, maxAskTime)
	if err != nil {
		return err
	}
	if err := wire.DecodeError(reply); err != nil {
		return err
	}
	return nil
}

// answerTakes answers such a question. The methods of an input are not ours, so another goroutine decodes it.
func (r *roster) answerTakes(msg *wire.Message, tokens string) {
	actorType, action, _ := strings.Cut(tokens, ".")
	w := &work{Call: call.Of(msg)}
	r.whilePassing(w, func() *troupe.Error {
		if err := r.takes(w, actorType, action); errors.Is(err, troupe.ErrOverloaded) {
			return errs.As(err)
		} else if err != nil {
			return errs.New(troupe.CodeBadInput, "%s.%s: %.500s", actorType, action, err)
		}
		r.out.Answer(w.Reply, nil)
		return nil
	})
}

// takes reports why the program cannot take the input of an action, if so, or the host an actor that is to move to it.
func (r *roster) takes(w *work, actorType, action string) error {
	kind := r.types[actorType]
	if kind == nil || kind.actions[action] == nil {
		return errs.New(troupe.CodeBadInput, "the host has no such action")
	}
	as, err := w.Encoding()
	if err != nil {
		return err
	}
	into := kind.actions[action].takes
	switch {
	case action == troupe.ScheduleAction:
		return kind.takesSchedule(input{body: w.Data, as: as})
	case action == troupe.MoveAction:
		return r.checkRoom(r.len())
	case into != nil:
	case action == troupe.CreateAction, action == wire.ConnectAction: // without a hook
		into = nothing
	default: // it says itself what it cannot take
		return nil
	}
	return protect(func() error { return as.Unmarshal(w.Data, reflect.New(into).Interface()) })
}
