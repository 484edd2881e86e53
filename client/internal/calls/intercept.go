package calls

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/origin"
	"github.com/troupe-go/troupe/internal/wire"
)

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
