package main

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost"
)

func TestCall(t *testing.T) {
	t.Parallel()
	p := at(startBus(t, actorhost.Config{}))
	for name, test := range map[string]struct {
		stdin string
		args  []string
		want  result
	}{
		"JSON in and out":       {"", []string{"a", "send", `{"from": "ann", "text": "<hi>"}`}, result{exitOK, "1\n", ""}},
		"stdin by name":         {`{"text": "hi"}`, []string{"b", "send", "-"}, result{exitOK, "1\n", ""}},
		"stdin that is piped":   {"{\"text\": \"hi\"}\n", []string{"c", "send"}, result{exitOK, "1\n", ""}},
		"argument before stdin": {"no JSON", []string{"d", "add", "5"}, result{exitOK, "5\n", ""}},
		"negative number":       {"", []string{"e", "add", "-5", "--json"}, result{exitOK, "-5\n", ""}},
		"after two hyphens":     {"", []string{"--", "-f", "add", "-5"}, result{exitOK, "-5\n", ""}},
		"no input, no output":   {"", []string{"g", "empty"}, result{exitOK, "", ""}},
		"empty key":             {"", []string{"", "add", "1"}, result{exitOK, "1\n", ""}},
		"several parts":         {"", []string{"a b/x.y/=", "add", "1"}, result{exitOK, "1\n", ""}},
		"numbers keep their text": {
			"", []string{"h", "sell", `{"id":9007199254740993,"left":1}`},
			result{exitOK, `{"id":9007199254740993,"left":1}` + "\n", ""},
		},
		"user error": {
			"", []string{"i", "sell", `{"left": 4}`},
			result{exitActor, "", "error out_of_stock: only 3 left\n  item: {\"id\":7,\"left\":0}\n  left: 3\n"},
		},
		"missing actor":  {"", []string{"nobody", "add", "1", "--existing"}, result{code: exitNotFound, err: "error not_found: "}},
		"unknown action": {"", []string{"a", "subtract", "1"}, result{code: exitNotFound, err: "error unknown_action: "}},
		"another input":  {"", []string{"a", "add", `"five"`}, result{code: exitUsage, err: "error bad_input: "}},
		"no JSON":        {"", []string{"a", "add", "five"}, result{code: exitUsage, err: "error usage: the input is not JSON: "}},
		"two values":     {"1 2", []string{"a", "add", "-"}, result{code: exitUsage, err: "error usage: the input is not JSON: "}},
		"bad key":        {"", []string{"a//b", "add", "1"}, result{code: exitUsage, err: `error usage: "a//b" is not a key: `}},
		"bad action":     {"", []string{"a", "a.b", "1"}, result{code: exitUsage, err: "error bad_input: "}},
		"internal error": {"", []string{"a", "buggy"}, result{code: exitFailed, err: "error internal: "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := p.reading(test.stdin).run(t.Context(), append([]string{"call", "room"}, test.args...)...)
			require.Equal(t, test.want.code, got.code, got.err)
			require.Equal(t, test.want.out, got.out)
			if strings.HasSuffix(test.want.err, " ") { // the rest is not ours
				require.True(t, strings.HasPrefix(got.err, test.want.err), got.err)
				require.Equal(t, 1, strings.Count(got.err, "\n"), got.err)
				return
			}
			require.Equal(t, test.want.err, got.err)
		})
	}
}

// TestCallOutOfTime: the caller gives up, unless the action does so sooner.
func TestCallOutOfTime(t *testing.T) {
	t.Parallel()
	got := at(startBus(t, actorhost.Config{})).run(t.Context(), "call", "room", "a", "stuck", "--timeout=50ms")
	if got.code == exitUnavailable {
		require.Contains(t, got.err, "error deadline_exceeded: ")
		return
	}
	require.Equal(t, exitUnknown, got.code, got.err)
	require.Contains(t, got.err, "error outcome_unknown: ")
}

func TestCallOfUnknownType(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	p := at(server.URL())
	const none = "error unknown_type: rooom/a.add: no host on this bus serves the actor type \"rooom\"; "
	got := p.run(t.Context(), "call", "rooom", "a", "add", "1")
	require.Equal(t, result{exitNotFound, "", none + "no host at all is up in the namespace troupe\n"}, got)
	stop := startHost(t, server, actorhost.Config{})
	got = p.run(t.Context(), "call", "rooom", "a", "add", "1")
	require.Equal(t, result{exitNotFound, "", none + "those that are up in the namespace troupe serve room\n"}, got)

	require.Equal(t, exitOK, p.run(t.Context(), "call", "room", "a", "add", "1").code)
	stop()
	got = p.run(t.Context(), "call", "room", "a", "add", "1")
	require.Equal(t, exitUnavailable, got.code, "the type is known")
	require.Contains(t, got.err, "there are actors of the type")
}

func TestCallErrorsAsJSON(t *testing.T) {
	t.Parallel()
	p := at(startBus(t, actorhost.Config{}))
	got := p.run(t.Context(), "call", "room", "a", "sell", `{"left": 4}`, "-j")
	require.Equal(t, exitActor, got.code)
	require.Empty(t, got.out)
	require.JSONEq(t, `{
		"code": "out_of_stock", "message": "only 3 left", "metadata": {"left": 3, "item": {"id": 7, "left": 0}}, "from_actor": true
	}`, got.err)

	got = p.run(t.Context(), "call", "room", "a", "add", "five", "-j")
	require.Equal(t, exitUsage, got.code)
	var f failure
	require.NoError(t, json.Unmarshal([]byte(got.err), &f))
	require.Equal(t, "usage", f.Code)
}

func TestCallIsRefusedBeforeItConnects(t *testing.T) {
	t.Parallel()
	p := at("nats://127.0.0.1:1")
	for _, args := range [][]string{
		{"call", "room", "a", "add", "{"},
		{"call", "room", "a=", "add"},
		{"call", "ro om", "a", "add"},
		{"call", "room", "a", "add", "1", "--timeout", "0s"},
		{"call", "room", "a"},
		{"watch", "room", "a", "a.b"},
		{"watch", "room", "a", "--count", "-5"},
		{"ls", "a.b"},
		{"ls", "--namespace", "a.b"},
		{"fly"},
		{"ls", "--fly"},
	} {
		got := p.run(t.Context(), args...)
		require.Equal(t, exitUsage, got.code, "%q: %s", args, got.err)
		require.Empty(t, got.out, "%q", args)
		require.NotContains(t, got.err, negativeMark)
		require.NotContains(t, got.err, `\x00`)
	}
}

func TestCallEndsWithAnInterrupt(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	startHost(t, server, actorhost.Config{})
	nc := connect(t, server)
	ctx, interrupt := context.WithCancel(t.Context())
	_, err := nc.Subscribe("troupe.route.room.a.stuck", func(*nats.Msg) { interrupt() })
	require.NoError(t, err)
	require.NoError(t, nc.Flush())
	got := at(server.URL()).run(ctx, "call", "room", "a", "stuck", "--timeout", "1s")
	require.Equal(t, exitUnknown, got.code, got.err)
	require.Contains(t, got.err, "error outcome_unknown: ")
}

func TestInterruptWhileReadingStdin(t *testing.T) {
	t.Parallel()
	never, write := io.Pipe()
	defer write.Close()
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	got := program{stdin: never}.run(ctx, "call", "room", "a", "add")
	require.Equal(t, exitInterrupted, got.code)
	require.Contains(t, got.err, "reading the input from stdin")
}

func TestCallWithARequestID(t *testing.T) {
	t.Parallel()
	p := at(startBus(t, actorhost.Config{}))
	for range 3 {
		require.Equal(t, result{exitOK, "5\n", ""}, p.run(t.Context(), "call", "room", "a", "add", "5", "--request-id", "order 17"))
	}
	got := p.run(t.Context(), "call", "room", "a", "add", "6", "--request-id", "order 17")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.err, "error request_reused: ")
}
