package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost"
)

func TestSleep(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	p := at(server.URL())
	require.Equal(t, exitNotFound, p.run(t.Context(), "sleep", "room", "a").code)
	stop := startHost(t, server, actorhost.Config{})
	require.Equal(t, exitOK, p.run(t.Context(), "call", "room", "a/b", "add", "5").code)
	require.Equal(t, result{exitOK, "", "room/a/b sleeps now\n"}, p.run(t.Context(), "sleep", "room", "a/b"))
	require.Contains(t, p.run(t.Context(), "info", "room", "a/b", "--json").out, `"awake":false`)
	require.Equal(t, result{exitOK, "", "room/a/b was not awake\n"}, p.run(t.Context(), "sleep", "room", "a/b"))
	require.Equal(t, result{exitOK, "5\n", ""}, p.run(t.Context(), "call", "room", "a/b", "add", "0"))
	require.JSONEq(t, `{"type":"room","key":"a/b","slept":true}`+"\n", p.run(t.Context(), "sleep", "room", "a/b", "--json").out)
	require.Equal(t, result{exitNotFound, "", "error not_found: there is no actor room/c\n"}, p.run(t.Context(), "sleep", "room", "c"))
	stop()
	require.Equal(t, exitOK, p.run(t.Context(), "sleep", "room", "a/b").code, "nobody could have it awake")
}
