package actorhost

import (
	"context"
	"fmt"
	"log/slog"
)

// guardedLog is a slog.Handler that runs another one, which is not ours, as are the values that it logs. No panic and no
// runtime.Goexit of these reaches who logs.
type guardedLog struct{ handler slog.Handler }

// guardLogger returns a logger that harms nobody.
func guardLogger(l *slog.Logger) *slog.Logger {
	if _, done := l.Handler().(guardedLog); done {
		return l
	}
	return slog.New(guardedLog{l.Handler()})
}

// Enabled implements [slog.Handler].
func (g guardedLog) Enabled(ctx context.Context, level slog.Level) (enabled bool) {
	err := protect(func() error { enabled = g.handler.Enabled(ctx, level); return nil })
	return enabled && err == nil
}

// Handle implements [slog.Handler]. A line that cannot be logged is logged once more, with its values as text.
func (g guardedLog) Handle(ctx context.Context, r slog.Record) error {
	err, ended := apart(func() error { return g.handler.Handle(ctx, r) })
	if ended {
		return err
	}
	err, _ = apart(func() error {
		plain := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
		r.Attrs(func(a slog.Attr) bool {
			plain.AddAttrs(slog.String(a.Key, fmt.Sprint(a.Value.Any()))) // fmt survives methods that panic
			return true
		})
		return g.handler.Handle(ctx, plain)
	})
	return err
}

// apart runs f in a goroutine of its own, because nothing stops a Goexit. ended reports whether f has returned.
func apart(f func() error) (err error, ended bool) { //nolint:revive // ended is about err
	done := make(chan struct{})
	go func() {
		defer close(done)
		failed := protect(func() error { err = f(); ended = true; return nil })
		if failed != nil {
			err = failed
		}
	}()
	<-done
	return err, ended
}

// WithAttrs implements [slog.Handler].
func (g guardedLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return g.with(func(h slog.Handler) slog.Handler { return h.WithAttrs(attrs) })
}

// WithGroup implements [slog.Handler].
func (g guardedLog) WithGroup(name string) slog.Handler {
	return g.with(func(h slog.Handler) slog.Handler { return h.WithGroup(name) })
}

func (g guardedLog) with(f func(slog.Handler) slog.Handler) slog.Handler {
	with := g
	if protect(func() error { with.handler = f(g.handler); return nil }) != nil || with.handler == nil {
		return g
	}
	return with
}
