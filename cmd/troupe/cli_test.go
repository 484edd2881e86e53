package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHelpAndVersion(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{}, {"--help"}, {"call", "--help"}, {"ls", "-h"}, {"watch", "--help"}} {
		got := program{}.run(t.Context(), args...)
		require.Equal(t, exitOK, got.code)
		require.Empty(t, got.err)
		require.Contains(t, got.out, "--server")
		require.Contains(t, got.out, "$NATS_URL")
	}
	got := program{}.run(t.Context(), "--help")
	for _, want := range []string{"troupe call inventory main", "Exit codes:", "$TROUPE_NAMESPACE"} {
		require.Contains(t, got.out, want)
	}
	got = program{}.run(t.Context(), "ls", "--fly", "--json")
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, `{"code":"usage",`)
	require.Equal(t, result{exitOK, version() + "\n", ""}, program{}.run(t.Context(), "--version"))
}
