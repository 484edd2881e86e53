package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost"
)

// TestArgumentsAreBytes: two keys that are no text are two actors.
func TestArgumentsAreBytes(t *testing.T) {
	t.Parallel()
	p := at(startBus(t, actorhost.Config{}))
	for _, key := range []string{"\xff", "\xfe", "\ufffd"} {
		require.Equal(t, result{exitOK, "1\n", ""}, p.run(t.Context(), "call", "room", key, "add", "1"), "%q", key)
	}
	require.Contains(t, p.run(t.Context(), "info", "room", "=FF").out, "room/=FF")
	got := p.run(t.Context(), "call", "room", "a", "send", "{\"from\":\"\xff\"}")
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, "UTF-8")
}

func TestWrongValuesSayWhatIsExpected(t *testing.T) {
	t.Parallel()
	url := startBus(t, actorhost.Config{})
	require.Equal(t, exitOK, at(url).run(t.Context(), "call", "room", "a", "add", "1").code)
	for _, limit := range [][]string{{"--limit", "-1"}, {"--limit=-1"}} {
		got := at(url).run(t.Context(), append([]string{"ls"}, limit...)...)
		require.Equal(t, exitOK, got.code, got.err)
	}
	for line, want := range map[string]string{
		"ls --limit x":                  `--limit: expected a whole number, got "x"`,
		"ls --limit":                    "--limit: expected a whole number",
		"ls --limit --json":             "--limit: expected a whole number",
		"ls --timeout 5":                `--timeout: expected a duration such as 500ms, 5s or 2m, got "5"`,
		"ls --timeout -5s":              "--timeout -5s is not positive",
		"state get room a --revision -": `--revision: expected a whole number from 0 on, got "-"`,
		"bench room a add -n -1":        "--count -1",
		"ls --namespace":                "--namespace: expected text (see: troupe ls --help)",
		"state get room --fly":          "(see: troupe state get --help)",
	} {
		got := at(url).run(t.Context(), strings.Split(line, " ")...)
		require.Equal(t, exitUsage, got.code, line)
		require.Contains(t, got.err, want, line)
	}
}
