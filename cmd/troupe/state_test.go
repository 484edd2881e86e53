package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost"
)

func TestState(t *testing.T) {
	t.Parallel()
	p := at(startBus(t, actorhost.Config{}))
	require.Equal(t, exitOK, p.run(t.Context(), "call", "room", "a/b", "add", "5").code)
	require.Equal(t, exitOK, p.run(t.Context(), "call", "room", "a/b", "send", `{"from":"ann","text":"<hi>"}`).code)

	get := p.run(t.Context(), "state", "get", "room", "a/b")
	require.Equal(t, result{exitOK, `{"Messages":[{"from":"ann","text":"<hi>"}],"Sum":5}` + "\n", ""}, get)
	var wrapped storedState
	got := p.run(t.Context(), "state", "get", "room", "a/b", "--json")
	require.NoError(t, json.Unmarshal([]byte(got.out), &wrapped), got)
	require.NotEmpty(t, wrapped.Owner)
	require.NotZero(t, wrapped.Revision)
	require.JSONEq(t, get.out, string(wrapped.State))

	stale := fmt.Sprint(wrapped.Revision)
	set := p.run(t.Context(), "state", "set", "room", "a/b", `{"Messages":[],"Sum":70}`, "--json", "--yes")
	require.Equal(t, exitOK, set.code, set.err)
	require.Contains(t, set.out, `{"revision":`)
	require.Equal(t, result{exitOK, "71\n", ""}, p.run(t.Context(), "call", "room", "a/b", "add", "1"), "the actor, which was awake, has it")

	got = p.run(t.Context(), "state", "set", "room", "a/b", `{}`, "--revision", stale, "--yes")
	require.Equal(t, exitConflict, got.code)
	require.Contains(t, got.err, "not "+stale+": nothing is changed")
	require.Equal(t, result{exitOK, "71\n", ""}, p.run(t.Context(), "call", "room", "a/b", "add", "0"))

	raw := p.run(t.Context(), "state", "get", "room", "a/b", "--raw")
	require.Equal(t, exitOK, p.reading(`{"Sum":-1}`).run(t.Context(), "state", "set", "room", "a/b", "--no-sleep", "--yes").code)
	require.Equal(t, exitOK, p.reading(raw.out).run(t.Context(), "state", "set", "room", "a/b", "--raw", "--yes").code)
	require.Equal(t, result{exitOK, "71\n", ""}, p.run(t.Context(), "call", "room", "a/b", "add", "0"))

	for _, test := range []struct {
		args string
		code int
		want string
	}{
		{"get room none", exitNotFound, "there is no actor room/none"},
		{"get room ==", exitUsage, "is not an escape"},
		{"set room none {}", exitNotFound, "there is no actor room/none"},
		{"set room a/b", exitUsage, "no state given"},
		{"set room a/b {", exitUsage, "the state is not JSON"},
		{"set room a/b {} --raw", exitUsage, "comes on stdin"},
		{"get room a --namespace other", exitNotFound, "there is no actor room/a"},
	} {
		got := p.run(t.Context(), append([]string{"state"}, strings.Fields(test.args)...)...)
		require.Equal(t, test.code, got.code, "%s: %s", test.args, got.err)
		require.Contains(t, got.err, test.want, test.args)
	}
	got = p.reading("\xc1").run(t.Context(), "state", "set", "room", "a/b", "--raw", "--yes")
	require.Equal(t, exitUsage, got.code, got.err)

	require.Equal(t, exitOK, p.run(t.Context(), "state", "set", "room", "new", `{"Sum":3}`, "--create", "--yes").code)
	require.Regexp(t, `(?m)^room +new +none +\d+ B `, p.run(t.Context(), "ls", "room").out, "no host has it yet")
	require.Equal(t, result{exitOK, "4\n", ""}, p.run(t.Context(), "call", "room", "new", "add", "1"))
}

// TestDamagedRecordIsSeenAndRepaired overwrites a record, as a fault or a hand would.
func TestDamagedRecordIsSeenAndRepaired(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	startHost(t, server, actorhost.Config{})
	nc := connect(t, server)
	p := at(server.URL())
	refused := func() {
		t.Helper()
		got := p.run(t.Context(), "call", "room", "a", "add", "1")
		require.Equal(t, exitFailed, got.code)
		require.Contains(t, got.err, "state_corrupt")
	}
	repair := func() {
		t.Helper()
		got := p.run(t.Context(), "state", "set", "room", "a", `{"Sum":8}`, "--yes")
		require.Equal(t, exitOK, got.code, got.err)
		require.Equal(t, result{exitOK, "9\n", ""}, p.run(t.Context(), "call", "room", "a", "add", "1"))
	}

	overwrite(t, nc, "room.a", []byte("\xc1 junk"))
	refused()
	got := p.run(t.Context(), "state", "get", "room", "a")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.err, `troupe state get room "a" --raw`)
	require.Equal(t, "\xc1 junk", p.run(t.Context(), "state", "get", "room", "a", "--raw").out)
	repair()

	require.Equal(t, exitOK, p.run(t.Context(), "state", "set", "room", "a", `{"Sum":"text"}`, "--yes").code)
	refused()
	require.JSONEq(t, `{"Sum":"text"}`, p.run(t.Context(), "state", "get", "room", "a").out, "not a byte of it is lost")
	repair()
}

// TestStateSetKeepsTheRestOfTheRecord: also what only a newer program knows, and what it needs for that.
func TestStateSetKeepsTheRestOfTheRecord(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	startHost(t, server, actorhost.Config{})
	nc := connect(t, server)
	p := at(server.URL())
	const timers = "\xa6timers\xd9\x01x\xa6events\x81\xa4said\x82\xa5epoch\x01\xa8sequence\x02"
	overwrite(t, nc, "room.a", []byte("\x87\xa5owner\xa4gone\xa5epoch\x03\xa7created\xc3\xa5needs\x91\xa6timers\xa5state\xc4\x01\x80"+timers))
	set := p.run(t.Context(), "state", "set", "room", "a", `{"Sum":5}`, "--no-sleep", "--yes")
	require.Equal(t, exitOK, set.code, set.err)
	stored := func() string {
		t.Helper()
		msg, err := nc.Request("$JS.API.DIRECT.GET.KV_troupe-actors.$KV.troupe-actors.room.a", nil, 5*time.Second)
		require.NoError(t, err)
		return string(msg.Data)
	}
	require.Equal(t, "\x87\xa5owner\xa0\xa5epoch\x03\xa7created\xc3\xa5needs\xdd\x00\x00\x00\x01\xa6timers\xa5state\xc4\x06\x81\xa3Sum\x05"+timers, stored())
	require.Contains(t, p.run(t.Context(), "info", "room", "a").out, "Needs     timers\n")
	require.Contains(t, p.run(t.Context(), "info", "room", "a", "--json").out, `"needs":["timers"]`)

	// A part that is damaged is the damage of the record. The answers are there to be forgotten.
	overwrite(t, nc, "room.a", []byte("\x84\xa5owner\xa4gone\xa7created\xc3\xa7answers\x01\xa6timers\x05"))
	require.Contains(t, p.run(t.Context(), "state", "get", "room", "a").err, "state_corrupt")
	require.Contains(t, p.run(t.Context(), "ls", "room").out, "unreadable")
	set = p.run(t.Context(), "state", "set", "room", "a", `{"Sum":5}`, "--forget", "--yes")
	require.Equal(t, exitOK, set.code, set.err)
	require.True(t, strings.HasSuffix(stored(), "\xa6timers\x05"))
	require.Equal(t, result{exitOK, "6\n", ""}, p.run(t.Context(), "call", "room", "a", "add", "1"))
	require.True(t, strings.HasSuffix(stored(), "\xa6timers\x05"), "%q", stored())
}

func TestStateSetAsks(t *testing.T) {
	t.Parallel()
	p := at(startBus(t, actorhost.Config{}))
	require.Equal(t, exitOK, p.run(t.Context(), "call", "room", "a", "add", "5").code)
	got := p.run(t.Context(), "state", "set", "room", "a", `{"Sum":6}`)
	require.Equal(t, result{exitUsage, "", "error usage: to replace the state of room/a without a terminal, add --yes\n"}, got)
	got = p.answering("no\n").run(t.Context(), "state", "set", "room", "a", `{"Sum":6}`)
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, "Replace the state of room/a? [y/N] ")
	require.Contains(t, p.run(t.Context(), "state", "get", "room", "a").out, `"Sum":5`)
	require.Equal(t, exitOK, p.answering("y\n").run(t.Context(), "state", "set", "room", "a", `{"Sum":6}`).code)
	require.Contains(t, p.run(t.Context(), "state", "get", "room", "a").out, `"Sum":6`)
}

func TestStateSetKnowsTheFields(t *testing.T) {
	t.Parallel()
	p := at(startBus(t, actorhost.Config{}))
	require.Equal(t, exitOK, p.run(t.Context(), "call", "room", "a", "add", "5").code)
	got := p.run(t.Context(), "state", "set", "room", "a", `{"sum":6}`, "--yes")
	require.Equal(t, result{exitUsage, "", "error usage: the stored state has no field .sum, it has .Messages, .Sum: to store it all the same, add --force\n"}, got)
	wrapped := p.run(t.Context(), "state", "get", "room", "a", "--json").out
	got = p.reading(wrapped).run(t.Context(), "state", "set", "room", "a", "--yes")
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, "only what is in its field state")
	require.Equal(t, exitOK, p.run(t.Context(), "state", "set", "room", "a", `{"sum":6}`, "--yes", "--force").code)
	require.JSONEq(t, `{"sum":6}`, p.run(t.Context(), "state", "get", "room", "a").out)
}

// TestStateSetOfAFrozenHost: nothing is set, and that is known.
func TestStateSetOfAFrozenHost(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	stop := startHost(t, server, actorhost.Config{})
	p := at(server.URL())
	require.Equal(t, exitOK, p.run(t.Context(), "call", "room", "a", "add", "5").code)
	stop()
	_, err := connect(t, server).Subscribe("troupe.call.room.a.>", func(*nats.Msg) {}) // it takes calls and does not reply
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		got := p.run(t.Context(), "state", "set", "room", "a", `{"Sum":6}`, "--yes", "--timeout", "300ms")
		return got.code == exitUnavailable && strings.Contains(got.err, "nothing is set, try again")
	}, 10*time.Second, time.Millisecond)
	require.Contains(t, p.run(t.Context(), "state", "get", "room", "a").out, `"Sum":5`)
}
