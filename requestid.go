package troupe

import "context"

type requestIDKey struct{}

// WithRequestID gives the calls that are made with the returned context a request id of up to 256 bytes: an actor runs
// an action that changes it once for each id and gives a call with the same id, by whatever program and after a restart
// of anybody, the first one's answer. It remembers at least the last 64 of them for at least 5 minutes. An id is one
// call: given to another action or input of the same actor it is an error, [CodeRequestReused].
//
// Without it, every call has an id of its own, so that it takes effect once however often the client sends it.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

// RequestID returns the id that was given to [WithRequestID].
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}
