package main

import (
	"encoding/json"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/internal/look"
)

func TestTop(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	p := at(server.URL())
	require.Equal(t, exitNotFound, p.run(t.Context(), "top").code)
	startHost(t, server, actorhost.Config{Name: "one"})
	startHost(t, server, actorhost.Config{Name: "two"})
	for range 3 {
		require.Equal(t, exitOK, p.run(t.Context(), "call", "room", "a", "add", "1").code)
	}
	require.NotEqual(t, exitOK, p.run(t.Context(), "call", "room", "a", "buggy").code)
	require.Equal(t, exitOK, p.run(t.Context(), "call", "room", "a", "add", "1", "--request-id", "twice").code)
	require.Equal(t, exitOK, p.run(t.Context(), "call", "room", "a", "add", "1", "--request-id", "twice").code)
	hung := make(chan result, 1)
	go func() {
		hung <- p.run(t.Context(), "call", "room", "b/c d", "stuck", "--request-id", "r17", "--timeout", "4s")
	}()
	var seen look.Overview
	require.Eventually(t, func() bool {
		got := p.run(t.Context(), "top", "--json")
		seen = look.Overview{}
		return got.code == exitOK && json.Unmarshal([]byte(got.out), &seen) == nil && len(seen.Running) == 1
	}, 10*time.Second, 10*time.Millisecond)
	require.Equal(t, "r17", seen.Running[0].RequestID)
	require.GreaterOrEqual(t, seen.Running[0].For, int64(1000))
	require.Equal(t, 2, seen.Hosts)
	require.Equal(t, 2, seen.Awake)

	got := p.run(t.Context(), "top")
	require.Equal(t, exitOK, got.code, got.err)
	require.Regexp(t, `^2 hosts, 2 actors awake
since the hosts have started, answers repeated: 1

TYPE TURN  CALLS ERRORS REFUSED +P50 +P99 +WAIT +RUN\n`, got.out)
	require.Regexp(t, `\nroom add       4      0       0 +\S+ +\S+ +\S+ +\S+\n`, got.out)
	require.Regexp(t, `\nroom buggy     1      1       0 `, got.out)
	require.Regexp(t, `\nrunning: action stuck of room/b/c=20d for [\d.]+s, request r17\n`, got.out)
	require.Regexp(t, `\nfailed: \d\d:\d\d:\d\d action buggy of room/a: internal: room/a.buggy failed; the log of host \w+ tells why\n`, got.out)
	require.Regexp(t, `: action stuck of room/b/c=20d for [\d.]+s, request r17\n`, p.run(t.Context(), "hosts").err)
	info := p.run(t.Context(), "info", "room", "b/c d", "--stack")
	require.Regexp(t, `\n  Runs      action stuck of room/b/c=20d for `, info.out)
	require.Regexp(t, regexp.QuoteMeta("troupe.rooms.func"), info.out)
	require.NotEqual(t, exitOK, (<-hung).code)
	require.Equal(t, exitUsage, p.run(t.Context(), "top", "--every", "-1s").code)
}

func TestTimesHaveThreeDigits(t *testing.T) {
	t.Parallel()
	for want, d := range map[string]time.Duration{
		"-": 0, "1µs": time.Microsecond, "123µs": 123_456 * time.Nanosecond, "12.3ms": 12_345 * time.Microsecond,
		"1.23s": 1234 * time.Millisecond, "1m5s": 65_123 * time.Millisecond, "2h": 2*time.Hour + time.Minute,
	} {
		require.Equal(t, want, formatTime(d))
	}
}
