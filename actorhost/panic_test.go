package actorhost_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// logLines is a log, in text.
type logLines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// with are the lines that have a text.
func (l *logLines) with(text string) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}

// tracedLog adds what an interceptor has put into the context of a turn to its lines, as a handler for traces does.
type tracedLog struct{ slog.Handler }

func (h tracedLog) Handle(ctx context.Context, r slog.Record) error {
	if trace, ok := ctx.Value(userKey{}).(string); ok {
		r.AddAttrs(slog.String("trace", trace))
	}
	return h.Handler.Handle(ctx, r)
}

func (h tracedLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return tracedLog{h.Handler.WithAttrs(attrs)}
}

func TestLogsForTheNight(t *testing.T) {
	t.Parallel()
	b, log := hosttest.Start(t), new(logLines)
	host := b.HostWith(actorhost.Config{
		Name: "nightly", Logger: slog.New(tracedLog{slog.NewTextHandler(log, nil)}),
		Intercept: func(ctx context.Context, op *troupe.Operation, next func(context.Context) error) error {
			return next(context.WithValue(ctx, userKey{}, "trace-17"))
		},
	}, counters())
	started := log.with("the host takes calls")
	require.Len(t, started, 1)
	require.Regexp(t, `level=INFO msg="the host takes calls" host=`+host.ID()+` name=nightly namespace=troupe version=\S+ program=\S+ `+
		`types=counter server=\S+ lease=3s`, started[0])

	ref := troupe.GetOrCreate[counter](b.Client, "a")
	require.ErrorIs(t, call(troupe.WithRequestID(t.Context(), "r17"), fail, ref, "panic"), troupe.ErrInternal)
	failed := log.with("an action failed")
	require.Len(t, failed, 1)
	require.Regexp(t, `level=ERROR .*actor_key=a .*request_id=r17 action=fail `+
		`error="panic: out of luck, at actorhost_test\.\(\*counterState\)\.fail \(counter_test\.go:\d+\)( < [^"]+)?" trace=trace-17`, failed[0])
	require.NotContains(t, failed[0], `\n`)

	b.Stop(host)
	stopped := log.with("the host has stopped")
	require.Len(t, stopped, 1)
	require.Regexp(t, `level=INFO msg="the host has stopped" host=`+host.ID()+` name=nightly took=\S+\n`, stopped[0])
}
