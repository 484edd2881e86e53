package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
)

// TestQueueInOrderFromPushToRetry has the first message of a queue in order fail.
func TestQueueInOrderFromPushToRetry(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	stamp := troupe.NewQueueInOrder[desk, message]("stamp")
	host, err := actorhost.Start(t.Context(), connect(t, server), actorhost.Config{Logger: slog.New(slog.DiscardHandler)},
		actorhost.Define(func() deskState { return deskState{} },
			actorhost.OnQueue(stamp, func(s *deskState, _ *actorhost.Context, m message) error {
				if m.From == "nobody" {
					return errors.New("who is it from?")
				}
				s.Texts = append(s.Texts, m.Text)
				return nil
			}, actorhost.Retries{Attempts: 2, First: time.Hour, Most: time.Hour}),
			actorhost.On(readDesk, actorhost.NoIn(func(s *deskState, _ *actorhost.Context) ([]string, error) { return s.Texts, nil }))))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, host.Stop(context.Background())) })
	p := at(server.URL())
	for _, text := range []string{`{"text":"1"}`, `{"from":"nobody","text":"2"}`, `{"text":"3"}`} {
		p.ok(t, "queue", "push", "desk", "a/b", "stamp", text, "--in-order")
	}
	line := ""
	require.Eventually(t, func() bool {
		line = p.run(t.Context(), "queue", "ls", "--json").out
		return strings.Contains(line, `"waiting":0,"later":2,"dead":0,"heldUp":{"until":"`)
	}, 30*time.Second, 10*time.Millisecond)
	require.Contains(t, line, `"attempts":1,"error":"internal: `)
	require.Equal(t, []string{"1"}, p.texts(t))
	table := p.ok(t, "queue", "ls").out
	require.Contains(t, strings.SplitN(table, "\n", 2)[0], "HELD UP")
	require.Regexp(t, `(?m)^desk +a/b +stamp +0 +2 +0 +until \S+ \S+, 1 attempts: internal: `, table)

	// It goes on without the one that fails.
	require.Equal(t, exitNotFound, p.run(t.Context(), "queue", "skip", "desk", "a/b", "stamp", "another").code)
	require.Equal(t, exitNotFound, p.run(t.Context(), "queue", "skip", "desk", "b", "stamp").code)
	require.Equal(t, []string{"1"}, p.texts(t))
	require.Regexp(t, `^s\S+ of desk/a/b is a dead letter now`, p.ok(t, "queue", "skip", "desk", "a/b", "stamp").err)
	require.Equal(t, []string{"1", "3"}, p.texts(t))
	require.Contains(t, p.ok(t, "queue", "dead", "desk", "a/b", "stamp").out, "an operator has skipped it; it had failed: internal: ")
	require.Equal(t, exitNotFound, p.run(t.Context(), "queue", "skip", "desk", "a/b", "stamp").code, "nothing waits")
}
