package troupe

import "context"

type requestIDKey struct{}

// withRequestID is a context with a request id. It costs a call half of what context.WithValue does.
type withRequestID struct {
	context.Context //nolint:containedctx // it is one itself
	id              string
}

func (c *withRequestID) Value(key any) any {
	if key == (requestIDKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// WithRequestID gives a request id, of up to 256 bytes in one line without white space at its ends, to the calls that are made with
// the returned context. An actor runs a call that changes it once for each id. A later call with the same id gets the first one's
// answer, whichever program makes it, in whichever encoding, and whoever has restarted in between. An actor remembers all of them, for
// 15 minutes unless its hosts are configured otherwise, or until it is destroyed; after that the id is that of a new call. An id
// belongs to one call: with another action or input for the same actor it is [CodeRequestReused]. Connections and streams have none.
//
// Without this, the client gives every call an id of its own, so a call takes effect once however often it is sent. The calls
// that an action makes have ids that are the same when the action is run again.
func WithRequestID(ctx context.Context, id string) context.Context {
	return &withRequestID{ctx, id}
}

// RequestID returns the id that [WithRequestID] has put into ctx, or "".
func RequestID(ctx context.Context) string {
	if c, ok := ctx.Value(requestIDKey{}).(*withRequestID); ok {
		return c.id
	}
	return ""
}
