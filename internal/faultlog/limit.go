package faultlog

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// linesAMinute is how many lines of one kind are logged within a minute.
	linesAMinute = 30
	// maxKinds are told apart within a minute. All others are one kind.
	maxKinds = 256
)

// Limit returns a logger that logs only the first 30 lines of a kind within a minute: what strangers can cause must not fill a
// disk. The next line of the kind says how many were left out, as "left_out". Lines are of one kind if they have the same message,
// actor_type, action and event.
func Limit(l *slog.Logger) *slog.Logger {
	return slog.New(limited{Handler: l.Handler(), limits: &limits{kinds: make(map[kind]*minute)}})
}

type kind struct{ message, actorType, action, event string }

// minute is what was logged of one kind since a line that came a minute or more after its last minute began.
type minute struct {
	began          time.Time
	lines, leftOut int
}

type limits struct {
	mu    sync.Mutex
	kinds map[kind]*minute
}

// take reports whether one more line may be logged, and how many were not.
func (l *limits) take(of kind, now time.Time) (leftOut int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.kinds[of]
	if m == nil && len(l.kinds) >= maxKinds {
		for old, m := range l.kinds {
			if now.Sub(m.began) >= every && m.leftOut == 0 {
				delete(l.kinds, old)
			}
		}
		if len(l.kinds) >= maxKinds {
			of = kind{}
			m = l.kinds[of]
		}
	}
	if m == nil {
		m = &minute{began: now}
		l.kinds[of] = m
	}
	if now.Sub(m.began) >= every {
		leftOut = m.leftOut
		*m = minute{began: now}
	}
	if m.lines++; m.lines > linesAMinute {
		m.leftOut++
		return 0, false
	}
	return leftOut, true
}

type limited struct {
	slog.Handler
	limits *limits
	of     kind
}

// Handle implements [slog.Handler].
func (l limited) Handle(ctx context.Context, r slog.Record) error {
	of := l.of
	of.message = r.Message
	r.Attrs(func(a slog.Attr) bool { of.note(a); return true })
	leftOut, ok := l.limits.take(of, r.Time)
	if !ok {
		return nil
	}
	if leftOut > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int("left_out", leftOut))
	}
	return l.Handler.Handle(ctx, r)
}

// WithAttrs implements [slog.Handler].
func (l limited) WithAttrs(attrs []slog.Attr) slog.Handler {
	for _, a := range attrs {
		l.of.note(a)
	}
	l.Handler = l.Handler.WithAttrs(attrs)
	return l
}

// WithGroup implements [slog.Handler].
func (l limited) WithGroup(name string) slog.Handler {
	l.Handler = l.Handler.WithGroup(name)
	return l
}

func (k *kind) note(a slog.Attr) {
	if a.Value.Kind() != slog.KindString {
		return
	}
	switch a.Key {
	case "actor_type":
		k.actorType = a.Value.String()
	case "action":
		k.action = a.Value.String()
	case "event":
		k.event = a.Value.String()
	}
}
