package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
)

// desk is an actor with a queue.
type desk struct{ troupe.Ref }

func (desk) ActorType() string { return "desk" }

var (
	fileIt   = troupe.NewQueue[desk, message]("file")
	readDesk = troupe.NewAction[desk, troupe.None, []string]("read")
)

type deskState struct{ Texts []string }

func desks() actorhost.Definition {
	return actorhost.Define(func() deskState { return deskState{} },
		actorhost.OnQueue(fileIt, func(s *deskState, _ *actorhost.Context, m message) error {
			if m.From == "nobody" {
				return troupe.NewError("unsigned", "who is it from?")
			}
			s.Texts = append(s.Texts, m.Text)
			return nil
		}),
		actorhost.On(readDesk, actorhost.NoIn(func(s *deskState, _ *actorhost.Context) ([]string, error) { return s.Texts, nil })))
}

// startDesks starts a server with a host that has queues.
func startDesks(t *testing.T) program {
	t.Helper()
	server := startServer(t)
	host, err := actorhost.Start(t.Context(), connect(t, server), actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, desks())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, host.Stop(context.Background())) })
	return at(server.URL())
}

func TestQueueFromPushToDrop(t *testing.T) {
	t.Parallel()
	p := startDesks(t)
	require.Equal(t, result{exitNotFound, "", "error not_found: no queue has messages, in the namespace troupe\n"}, p.run(t.Context(), "queue", "ls"))
	require.Equal(t, result{exitOK, "", "pushed to file of desk/a/b\n"},
		p.run(t.Context(), "queue", "push", "desk", "a/b", "file", `{"from":"ann","text":"<hi>"}`))
	require.JSONEq(t, `{"type":"desk","key":"a/b","queue":"file"}`,
		p.ok(t, "queue", "push", "desk", "a/b", "file", `{"from":"ann","text":"2"}`, "--id", "17", "--json").out)
	p.ok(t, "queue", "push", "desk", "a/b", "file", `{"from":"ann","text":"2"}`, "--id", "17")
	p.ok(t, "queue", "push", "desk", "a/b", "file", `{"from":"ann","text":"3"}`, "--after", "1h")
	p.ok(t, "queue", "push", "desk", "a/b", "file", `{"from":"nobody","text":"4"}`)
	p.ok(t, "queue", "push", "desk", "a/b", "file", `{"from":"nobody","text":"5"}`)
	require.Eventually(t, func() bool {
		return strings.Contains(p.run(t.Context(), "queue", "ls", "desk", "--json").out,
			`{"type":"desk","key":"a/b","queue":"file","waiting":0,"later":1,"dead":2}`)
	}, 30*time.Second, 10*time.Millisecond)
	require.ElementsMatch(t, []string{"<hi>", "2"}, p.texts(t))
	table := p.ok(t, "queue", "ls").out
	require.Equal(t, []string{"TYPE", "KEY", "QUEUE", "WAITING", "LATER", "DEAD"}, strings.Fields(strings.SplitN(table, "\n", 2)[0]))
	require.Regexp(t, `(?m)^desk +a/b +file +0 +1 +2$`, table)
	require.Equal(t, exitNotFound, p.run(t.Context(), "queue", "ls", "room").code)
	require.Contains(t, p.ok(t, "hosts").err, "2 messages of queues became dead letters since these hosts started: see troupe queue ls\n")
	require.Contains(t, p.ok(t, "hosts", "--json").out, `"dead":2`)

	require.Regexp(t, `(?m)^queue +desk +a/b +file: 2 dead +\S+( ago)? +1 \S+: .+$`, p.ok(t, "stuck").out)
	require.Contains(t, p.ok(t, "stuck", "desk", "--json").out, `"dead":2,"remedy":"troupe queue dead desk a/b file"`)
	require.Contains(t, p.ok(t, "doctor").out, "note   2 messages of queues are dead letters\n       such as desk/a/b\n")
	letters := p.dead(t)
	require.Len(t, letters, 2)
	require.Equal(t, "unsigned: who is it from?", letters[0].Error)
	require.Equal(t, 1, letters[0].Attempts)
	require.WithinDuration(t, time.Now(), letters[0].Died, time.Minute)
	require.JSONEq(t, `{"from":"nobody","text":"4"}`, string(letters[0].Message))
	require.Regexp(t, `(?m)^`+letters[1].ID+` +.* +1 +unsigned: who is it from\? +{"from":"nobody","text":"5"}$`, p.ok(t, "queue", "dead", "desk", "a/b", "file").out)

	require.Equal(t, result{exitOK, "", letters[0].ID + " of desk/a/b is handled again\n"},
		p.run(t.Context(), "queue", "retry", "desk", "a/b", "file", letters[0].ID))
	require.Eventually(t, func() bool { return len(p.dead(t)) == 2 }, 30*time.Second, 10*time.Millisecond, "it is refused again")
	require.JSONEq(t, `{"type":"desk","key":"a/b","queue":"file","id":"`+letters[1].ID+`","retried":false}`,
		p.ok(t, "queue", "drop", "desk", "a/b", "file", letters[1].ID, "--json").out)
	require.Equal(t, result{exitNotFound, "", "error not_found: desk/a/b has no dead letter " + letters[1].ID + " in file\n"},
		p.run(t.Context(), "queue", "drop", "desk", "a/b", "file", letters[1].ID))
	p.ok(t, "queue", "drop", "desk", "a/b", "file", "--all")
	require.Equal(t, result{exitNotFound, "", "error not_found: desk/a/b has no dead letters in file\n"},
		p.run(t.Context(), "queue", "dead", "desk", "a/b", "file"))
}

func (p program) texts(t *testing.T) (texts []string) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(p.ok(t, "call", "desk", "a/b", "read").out), &texts))
	return texts
}

func (p program) dead(t *testing.T) (lines []deadLine) {
	t.Helper()
	for text := range strings.Lines(p.run(t.Context(), "queue", "dead", "desk", "a/b", "file", "--json").out) {
		var line deadLine
		require.NoError(t, json.Unmarshal([]byte(text), &line), text)
		lines = append(lines, line)
	}
	return lines
}

func TestQueueSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	p := startDesks(t)
	for _, wrong := range []struct {
		args []string
		code int
		err  string
	}{
		{[]string{"push", "desk", "a", "no name", "1"}, exitUsage, "no name for the queue"},
		{[]string{"push", "desk", "a", "file", "{"}, exitUsage, "the message is not JSON"},
		{[]string{"push", "desk", "a", "file", "1", "--at", "soon"}, exitUsage, "is no time"},
		{[]string{"push", "desk", "a", "file", "1", "--at", "09:00", "--after", "1h"}, exitUsage, "one of --at and --after"},
		{[]string{"push", "desk", "a", "file", "1", "--after", "-5s"}, exitUsage, "--after -5s is in the past"},
		{[]string{"retry", "desk", "a", "file"}, exitUsage, "which?"},
		{[]string{"retry", "desk", "a", "file", "x", "--all"}, exitUsage, "which?"},
		{[]string{"retry", "desk", "a", "file", "a.b"}, exitUsage, "has no message"},
		{[]string{"drop", "desk", "a", "file", "--all"}, exitNotFound, "no dead letters"},
		{[]string{"dead", "desk", "a", "file"}, exitNotFound, "no dead letters"},
		{[]string{"drop", "desk", "a", "file", "x"}, exitNotFound, "no dead letter x"},
	} {
		got := p.run(t.Context(), append([]string{"queue"}, wrong.args...)...)
		require.Equal(t, wrong.code, got.code, "%v: %s", wrong.args, got.err)
		require.Contains(t, got.err, wrong.err, "%v", wrong.args)
	}
}
