// Package crash has a test end a host as it takes a step of a workflow.
package crash

import "context"

// Point is where a host is with a step.
type Point string

// Where a host can be with a step.
const (
	Before Point = "before" // it is about to be tried
	After  Point = "after"  // it has run, and what it has given is not stored
)

// Hook is told of each try of a step. It reports whether the host is dead: then nothing more of the workflow runs on it.
type Hook func(p Point, step string) (dead bool)

type key struct{}

// With has a host that is started with the context call the hook.
func With(ctx context.Context, h Hook) context.Context { return context.WithValue(ctx, key{}, h) }

// Of returns the hook of a host that is started with the context, or nil.
func Of(ctx context.Context) Hook {
	h, _ := ctx.Value(key{}).(Hook)
	return h
}

// At calls the hook, if there is one.
func (h Hook) At(p Point, step string) (dead bool) { return h != nil && h(p, step) }
