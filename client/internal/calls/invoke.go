package calls

import (
	"context"
	"fmt"
	"reflect"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/origin"
	"github.com/troupe-go/troupe/internal/wire"
)

// Invoke makes one call, as Client.Invoke of package client describes it, and decodes its answer into call.Out. Every
// error is a *troupe.Error.
func (s *Sender) Invoke(ctx context.Context, call Call) error {
	if s.intercept != nil && !wire.Internal(call.Action) {
		return s.intercepted(ctx, call)
	}
	return s.invoke(ctx, call)
}

// intercepted makes a call within the interceptor.
func (s *Sender) intercepted(ctx context.Context, call Call) error {
	op := troupe.Operation{Kind: troupe.OpCall, Actor: call.ID, Name: call.Action, RequestID: troupe.RequestID(ctx), Header: Inherited(ctx)}
	if call.Tell {
		op.Kind = troupe.OpTell
	}
	return Within(ctx, s.intercept, &op, func(ctx context.Context) error {
		if err := wire.CheckCarried(op.Header); err != nil {
			return err
		}
		call.header = wire.CarriedBy(op.Header)
		return s.invoke(ctx, call)
	})
}

func (s *Sender) invoke(ctx context.Context, call Call) error {
	if !wire.Builtin(call.Action) {
		if err := troupe.CheckName("action", call.Action); err != nil {
			return err
		}
	}
	if call.Tell {
		return s.tell(ctx, &call)
	}
	if call.Out != nil { // what cannot be decoded should not run
		if err := codec.Check(reflect.TypeOf(call.Out)); err != nil {
			return &troupe.Error{Code: troupe.CodeBadInput, Err: err,
				Message: fmt.Sprintf("%s.%s: the output: %v", call.ID, call.Action, err)}
		}
	}
	trip := spareTrips.Get().(*roundTrip)
	defer trip.end()
	trip.sender, trip.call, trip.origin = s, call, origin.Of(ctx)
	if h := trip.origin.Host; h != nil && h.Namespace != s.ns.Name() {
		trip.origin.Chain = "" // its actors are others
	}
	reply, err := trip.run(ctx)
	if err != nil {
		return err
	}
	if err := wire.DecodeError(reply); err != nil {
		return err
	}
	if call.Out == nil {
		return nil
	}
	if err := wire.DecodeBody(reply, call.Out); err != nil {
		return &troupe.Error{Code: troupe.CodeInternal, Err: err,
			Message: fmt.Sprintf("%s.%s answered what is no %T: %v", call.ID, call.Action, call.Out, err)}
	}
	return nil
}

// Position asks for the last event of a name that an actor has broadcast; it is zero if there is none. Of an actor that
// was destroyed within the last hour it is the sequence 0 of a later epoch than that of its events. The question does not
// wake the actor.
func (s *Sender) Position(ctx context.Context, id troupe.ID, event string) (p troupe.Position, err error) {
	var last wire.Position
	err = s.Invoke(ctx, Call{Invocation: troupe.Invocation{ID: id, Action: wire.PositionAction, In: event, Out: &last}})
	return troupe.Position(last), err
}
