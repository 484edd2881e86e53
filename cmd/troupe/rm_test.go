package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost"
)

func TestRm(t *testing.T) {
	t.Parallel()
	p := at(startBus(t, actorhost.Config{}))
	for _, key := range []string{"a", "b"} {
		require.Equal(t, exitOK, p.run(t.Context(), "call", "room", key, "add", "1").code)
	}
	got := p.run(t.Context(), "rm", "room", "a")
	require.Equal(t, result{exitUsage, "", "error usage: to destroy room/a without a terminal, add --yes\n"}, got)
	got = p.answering("no\n").run(t.Context(), "rm", "room", "a")
	require.Equal(t, result{exitUsage, "", "Destroy room/a with all its state? [y/N] error usage: cancelled: nothing is changed\n"}, got)
	got = p.run(t.Context(), "rm", "room", "a", "--yes", "--record")
	require.Equal(t, exitConflict, got.code)
	require.Contains(t, got.err, "error conflict: the owner of room/a is up, the host ")
	require.Equal(t, result{exitOK, "1\n", ""}, p.run(t.Context(), "call", "room", "a", "add", "0", "--existing"))

	got = p.answering("yes\n").run(t.Context(), "rm", "room", "a")
	require.Equal(t, result{exitOK, "", "Destroy room/a with all its state? [y/N] destroyed room/a\n"}, got)
	require.Equal(t, exitNotFound, p.run(t.Context(), "call", "room", "a", "add", "0", "--existing").code)
	require.Equal(t, exitNotFound, p.run(t.Context(), "rm", "room", "a", "--yes").code)
	got = p.run(t.Context(), "rm", "room", "b", "--yes", "--json")
	require.Equal(t, result{exitOK, `{"type":"room","key":"b","destroyed":true}` + "\n", ""}, got)

	require.Equal(t, exitUsage, p.run(t.Context(), "rm", "room", "b", "--yes", "--revision", "4").code)
	require.Equal(t, exitNotFound, p.run(t.Context(), "rm", "room", "none", "--yes", "--record").code)
}

// TestRmOfAFirmActor has the on-destroy hook refuse.
func TestRmOfAFirmActor(t *testing.T) {
	t.Parallel()
	p := at(startBus(t, actorhost.Config{}))
	require.Equal(t, exitOK, p.run(t.Context(), "call", "room", "a", "send", `{"text":"hi"}`).code)
	got := p.run(t.Context(), "rm", "room", "a", "--yes")
	require.Equal(t, result{exitActor, "", "error in_use: there are 1 messages\n"}, got)
	require.Equal(t, exitOK, p.run(t.Context(), "call", "room", "a", "empty", "--existing").code)
	require.Equal(t, exitOK, p.run(t.Context(), "rm", "room", "a", "--yes").code)
}

func TestRmOfARecord(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	stop := startHost(t, server, actorhost.Config{})
	p := at(server.URL())
	require.Equal(t, exitOK, p.run(t.Context(), "call", "room", "a", "add", "1").code)
	stop()
	got := p.run(t.Context(), "rm", "room", "a", "--yes")
	require.Equal(t, exitUnavailable, got.code)
	require.Contains(t, got.err, "error unavailable: ")
	require.Contains(t, got.err, "to delete its record without the hook: --record")
	var info actorInfo
	require.NoError(t, json.Unmarshal([]byte(p.run(t.Context(), "info", "room", "a", "--json").out), &info))
	got = p.run(t.Context(), "rm", "room", "a", "--yes", "--record", "--revision", "1")
	require.Equal(t, result{exitConflict, "", "error conflict: room/a is at revision 2, not 1: nothing is changed\n"}, got)
	require.Equal(t, exitOK, p.run(t.Context(), "rm", "room", "a", "--yes", "--record", "--revision", "2").code)
	require.Equal(t, exitNotFound, p.run(t.Context(), "info", "room", "a").code)

	startHost(t, server, actorhost.Config{})
	nc := connect(t, server)
	overwrite(t, nc, "room.a", []byte("\xc1 junk"))
	got = p.run(t.Context(), "rm", "room", "a", "--yes")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.err, "error state_corrupt: ")
	require.Contains(t, got.err, "--record")
	require.Equal(t, exitOK, p.run(t.Context(), "rm", "room", "a", "--yes", "--record").code)
	require.Equal(t, result{exitOK, "5\n", ""}, p.run(t.Context(), "call", "room", "a", "add", "5"))
}
