package gateway

import (
	"context"
	"net/http"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/wire"
)

type carriedKey struct{}

// withCarried is a context with what travels with the calls that are made in it.
func withCarried(ctx context.Context, header http.Header) context.Context {
	var carried troupe.Header
	for _, name := range wire.Traced {
		if value := header.Get(name); value != "" && len(value) <= troupe.MaxHeaderBytes {
			if carried == nil {
				carried = make(troupe.Header, 1)
			}
			carried[name] = value
		}
	}
	if carried == nil {
		return ctx
	}
	return context.WithValue(ctx, carriedKey{}, carried)
}

// carry is the interceptor of the clients: it has the trace of a request go on.
func carry(ctx context.Context, op *troupe.Operation, next func(context.Context) error) error {
	if carried, ok := ctx.Value(carriedKey{}).(troupe.Header); ok && op.Kind == troupe.OpCall {
		for name, value := range carried {
			op.Header.Set(name, value)
		}
	}
	return next(ctx)
}
