package calls

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/origin"
	"github.com/troupe-go/troupe/internal/wire"
)

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

// Inherited is what goes on with whatever is made with a context, because it belongs to a turn.
func Inherited(ctx context.Context) troupe.Header {
	h := make(troupe.Header)
	if turn := origin.Of(ctx).Turn; turn != nil {
		for _, name := range wire.Traced {
			if value := turn.GetCarried(name); value != "" {
				h[name] = value
			}
		}
	}
	return h
}

// Within calls an interceptor. Every error is a *troupe.Error.
func Within(ctx context.Context, intercept troupe.Interceptor, op *troupe.Operation, next func(context.Context) error) error {
	err := intercept(ctx, op, next)
	if err == nil || errs.Find(err) != nil {
		return err
	}
	return &troupe.Error{Code: troupe.CodeInternal, Err: err,
		Message: fmt.Sprintf("%s.%s: an interceptor has failed: %v", op.Actor, op.Name, err)}
}
