package stage

import (
	"context"
	"log/slog"
	"sync"
)

// expected are messages of the log that a scene tells itself.
type expected struct{ messages sync.Map }

// Expect keeps a message out of the log, because the scene shows what it is about.
func (s *Stage) Expect(message string) { s.expected.messages.Store(message, true) }

// scripted is a handler without what is expected.
type scripted struct {
	slog.Handler

	expected *expected
}

// Handle implements slog.Handler.
func (h scripted) Handle(ctx context.Context, r slog.Record) error {
	if _, told := h.expected.messages.Load(r.Message); told {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h scripted) WithAttrs(attrs []slog.Attr) slog.Handler {
	return scripted{h.Handler.WithAttrs(attrs), h.expected}
}

// WithGroup implements slog.Handler.
func (h scripted) WithGroup(name string) slog.Handler {
	return scripted{h.Handler.WithGroup(name), h.expected}
}
