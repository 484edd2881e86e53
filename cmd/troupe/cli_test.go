package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestHelpAndVersion(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{}, {"--help"}, {"call", "--help"}, {"ls", "-h"}, {"watch", "--help"}, {"info", "-h"}, {"rm", "-h"}, {"hosts", "-h"},
		{"sleep", "-h"}, {"move", "-h"}, {"balance", "-h"},
		{"drain", "-h"}, {"state", "-h"}, {"state", "get", "-h"}, {"state", "set", "-h"}, {"state", "history", "-h"},
		{"state", "keep", "-h"}, {"up", "-h"}, {"bench", "-h"}, {"completion", "-h"},
		{"schedule", "-h"}, {"schedule", "ls", "-h"}, {"schedule", "add", "-h"}, {"schedule", "cancel", "-h"}, {"schedule", "run", "-h"},
		{"schedule", "retry", "-h"},
		{"workflow", "-h"}, {"workflow", "ls", "-h"}, {"workflow", "show", "-h"}, {"workflow", "start", "-h"}, {"workflow", "signal", "-h"},
		{"workflow", "result", "-h"}, {"workflow", "cancel", "-h"}, {"workflow", "retry", "-h"}, {"stuck", "-h"},
		{"types", "-h"}, {"schema", "-h"}, {"check", "-h"}, {"gateway", "-h"}, {"mcp", "-h"},
	} {
		got := program{}.run(t.Context(), args...)
		require.Equal(t, exitOK, got.code)
		require.Empty(t, got.err)
		require.Contains(t, got.out, "--server")
		require.Contains(t, got.out, "$NATS_URL")
		require.Contains(t, got.out, "($NATS_CONTEXT)")
		for line := range strings.Lines(got.out) {
			require.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), 80, line)
			require.NotContains(t, line, "\x1b", "no colours")
		}
	}
	got := program{}.run(t.Context(), "--help")
	for _, want := range []string{"troupe call inventory main", "Exit codes:", "$TROUPE_NAMESPACE"} {
		require.Contains(t, got.out, want)
	}
	require.NotContains(t, got.out, "__complete")
	require.Contains(t, got.out, `
Actors:
  call      Call an action of an actor: JSON in, JSON out.
  stream    Print what an actor yields in a stream: JSON in, lines of JSON out.
  watch     Print the events of an actor as they arrive.
  ls        List the actors that have a record.
  info      Show an actor and its host.
  sleep     Put an actor to sleep.
  move      Move an actor to a host.
  rm        Destroy an actor.

Stored state:
  state get        Print the stored state of an actor.
  state set        Replace the stored state of an actor.
  state history    List the kept revisions of an actor.
  state keep       Show or set how many revisions of each actor are kept.

Schedules:
  schedule ls        List what is scheduled, and what was given up.
  schedule add       Schedule an action of an actor.
  schedule cancel    Cancel a schedule.
  schedule run       Run a schedule now, and keep its times.
  schedule retry     Run what was given up once more.

Workflows:
  workflow ls        List workflows, and how far they are.
  workflow show      Show what the workflow of an actor has done, step by step.
  workflow start     Start a workflow of an actor.
  workflow signal    Send a signal to the workflow of an actor.
  workflow result    Print what a workflow has given.
  workflow cancel    Cancel a workflow, which undoes what it has done.
  workflow retry     Try a workflow that is stuck again.

Queues:
  queue ls       List the queues that have messages or dead letters.
  queue push     Push a message to a queue of an actor.
  queue dead     List the dead letters of a queue.
  queue retry    Have dead letters handled again.
  queue drop     Delete dead letters.
  queue skip     Have a queue in order go on without its next message.

Hosts:
  hosts      List the hosts that are up, and their load.
  top        Show what runs, how often, and how long it takes.
  balance    Move actors from full hosts to emptier ones.
  drain      Stop a host cleanly, and release its actors.

Types:
  types     List the actor types, or show what actors of one take and give.
  schema    Print the contract of an actor type, also for TypeScript.

Tools:
  inspect       Serve web pages that show what hosts and actors do.
  gateway       Let programs without a NATS client call actors, by HTTP.
  mcp           Give a language model tools to look at actors, by MCP.
  check         Say in one line whether all is well, for monitoring.
  stuck         List what does not go on by itself, and why.
  doctor        Find out whether what is stored fits together, and repair it.
  up            Run a NATS server with JetStream, for development.
  bench         Measure calls of an action against plain NATS requests.
  completion    Print a script for shell completion.
`)
	got = program{}.run(t.Context(), "ls", "--fly", "--json")
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, `{"code":"usage",`)
	require.Equal(t, result{exitOK, programVersion() + "\n", ""}, program{}.run(t.Context(), "--version"))
}
