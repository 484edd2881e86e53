package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/internal/look"
)

func TestStateHistory(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	p := at(server.URL())
	require.Equal(t, exitNotFound, p.run(t.Context(), "state", "keep").code, "there is nothing to keep yet")
	require.Equal(t, exitNotFound, p.run(t.Context(), "state", "history", "room", "a").code)
	startHost(t, server, actorhost.Config{})
	require.Equal(t, result{exitOK, "1\n", ""}, p.run(t.Context(), "state", "keep"))
	require.Equal(t, exitNotFound, p.run(t.Context(), "state", "history", "room", "a").code)
	require.Equal(t, exitOK, p.run(t.Context(), "call", "room", "a", "add", "1").code)
	got := p.run(t.Context(), "state", "history", "room", "a")
	require.Equal(t, exitOK, got.code)
	require.Equal(t, "only one revision of each actor is kept: see troupe state keep\n", got.err)
	require.Equal(t, 2, strings.Count(got.out, "\n"), got.out)

	require.Equal(t, result{exitOK, "3\n", ""}, p.run(t.Context(), "state", "keep", "3"))
	require.Equal(t, exitOK, p.run(t.Context(), "call", "room", "a", "add", "1").code)
	require.Equal(t, exitOK, p.run(t.Context(), "state", "set", "room", "a", `{"Sum":70}`, "--yes").code)
	require.Equal(t, exitOK, p.run(t.Context(), "call", "room", "a", "add", "1").code)
	got = p.run(t.Context(), "state", "history", "room", "a", "--json")
	require.Equal(t, exitOK, got.code, got.err)
	var by []string
	var states []string
	var last look.Revision
	for line := range strings.Lines(got.out) {
		last = look.Revision{}
		require.NoError(t, json.Unmarshal([]byte(line), &last), line)
		by = append(by, last.By)
		states = append(states, string(last.State))
	}
	require.Equal(t, []string{"state set", "waking", "calls"}, by)
	require.Equal(t, []string{`{"Sum":70}`, `{"Sum":70}`, `{"Messages":null,"Sum":71}`}, states)

	table := p.run(t.Context(), "state", "history", "room", "a")
	aged := regexp.MustCompile(" +<age>").ReplaceAllString(steady(table.out), " <age>") // its column is set to the right
	lines := strings.Split(strings.ReplaceAll(aged, last.Owner[:6], "<host>"), "\n")
	require.Equal(t, []string{
		"REVISION WRITTEN BY        HOST           EPOCH STATE",
		"       4 <age> state set        <epoch>   6 B",
		"       5 <age> waking    <host> <epoch>   6 B",
		"       6 <age> calls     <host> <epoch>  16 B",
		"",
	}, lines)
	require.Empty(t, table.err)

	require.Equal(t, result{exitOK, `{"Sum":70}` + "\n", ""}, p.run(t.Context(), "state", "get", "room", "a", "--revision", "4"))
	got = p.run(t.Context(), "state", "get", "room", "a", "--revision", "1")
	require.Equal(t, result{exitNotFound, "", "error not_found: revision 1 of room/a is not kept: see troupe state history\n"}, got)
	raw := p.run(t.Context(), "state", "get", "room", "a", "--revision", "4", "--raw")
	require.Equal(t, exitOK, p.reading(raw.out).run(t.Context(), "state", "set", "room", "a", "--raw", "--yes").code)
	require.Equal(t, result{exitOK, "70\n", ""}, p.run(t.Context(), "call", "room", "a", "add", "0"), "back to an earlier one")
}

func TestStateKeep(t *testing.T) {
	t.Parallel()
	p := at(startBus(t, actorhost.Config{}))
	require.Equal(t, result{exitOK, `{"revisions":9}` + "\n", ""}, p.run(t.Context(), "state", "keep", "9", "--json"))
	got := p.run(t.Context(), "state", "keep", "2")
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, "of the 9 revisions")
	require.Equal(t, exitUsage, p.answering("\n").run(t.Context(), "state", "keep", "2").code)
	require.Equal(t, result{exitOK, "9\n", ""}, p.run(t.Context(), "state", "keep"))
	require.Equal(t, exitOK, p.answering("y\n").run(t.Context(), "state", "keep", "2").code)
	require.Equal(t, result{exitOK, "1\n", ""}, p.run(t.Context(), "state", "keep", "1", "--yes"))
	for _, wrong := range []string{"0", "65", "-1", "many"} {
		require.Equal(t, exitUsage, p.run(t.Context(), "state", "keep", wrong).code, wrong)
	}
}

func TestStateHistoryShowsWhatItCannotRead(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	startHost(t, server, actorhost.Config{})
	p := at(server.URL())
	nc := connect(t, server)
	overwrite(t, nc, "room.a", []byte("\xc1 junk"))
	got := p.run(t.Context(), "state", "history", "room", "a")
	require.Equal(t, exitOK, got.code, got.err)
	require.Contains(t, got.out, "unreadable")
	require.Contains(t, p.run(t.Context(), "state", "history", "room", "a", "--json").out, `"error":"`)
	require.Equal(t, exitFailed, p.run(t.Context(), "state", "get", "room", "a", "--revision", "1").code)
}
