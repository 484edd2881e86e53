package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/internal/wire"
)

// watching is a running watch.
type watching struct {
	out  bytes.Buffer // complete once code has been received
	code chan int
}

// watch starts a watch and waits until it says that it is in force.
func (p program) watch(ctx context.Context, t *testing.T, args ...string) *watching {
	t.Helper()
	w := &watching{code: make(chan int, 1)}
	read, write := io.Pipe()
	go func() {
		code := run(ctx, p.args(append([]string{"watch"}, args...)), terminal{out: &w.out, err: write})
		_ = write.Close() // never fails
		w.code <- code
	}()
	lines := bufio.NewReader(read)
	line, err := lines.ReadString('\n')
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(line, "watching "), line)
	go func() { _, _ = io.Copy(io.Discard, lines) }() // a pipe fails only when it is closed
	return w
}

func TestWatch(t *testing.T) {
	t.Parallel()
	p := at(startBus(t, actorhost.Config{}))
	all := p.watch(t.Context(), t, "room", "org1/lobby", "--count", "2", "--json")
	text := p.watch(t.Context(), t, "room", "org1/lobby", "--count", "2")
	one := p.watch(t.Context(), t, "room", "org1/lobby", "emptied", "--count", "1", "--json")

	for _, args := range [][]string{
		{"org1/hall", "empty"}, // another room
		{"org1/lobby", "send", `{"from":"ann","text":"<hello>"}`},
		{"org1/lobby", "empty"},
	} {
		got := p.run(t.Context(), append([]string{"call", "room"}, args...)...)
		require.Equal(t, exitOK, got.code, got.err)
	}

	require.Equal(t, exitOK, <-all.code)
	decoder := json.NewDecoder(&all.out)
	var first, second event
	require.NoError(t, decoder.Decode(&first))
	require.NoError(t, decoder.Decode(&second))
	require.Equal(t, "sent", first.Event)
	require.JSONEq(t, `{"from":"ann","text":"<hello>"}`, string(first.Payload))
	require.WithinDuration(t, time.Now(), first.Time, time.Minute)
	require.Equal(t, "emptied", second.Event)
	require.Nil(t, second.Payload)
	require.False(t, decoder.More())

	require.Equal(t, exitOK, <-text.code)
	lines := strings.Split(text.out.String(), "\n")
	require.Len(t, lines, 3)
	require.Regexp(t, `^\d\d:\d\d:\d\d\.\d{3}  sent  \{"from":"ann","text":"<hello>"\}$`, lines[0])
	require.Regexp(t, `^\d\d:\d\d:\d\d\.\d{3}  emptied$`, lines[1])

	require.Equal(t, exitOK, <-one.code)
	require.Equal(t, 1, strings.Count(one.out.String(), "\n"), one.out.String())
}

func TestWatchEndsWithAnInterrupt(t *testing.T) {
	t.Parallel()
	p := at(startBus(t, actorhost.Config{}))
	ctx, interrupt := context.WithCancel(t.Context())
	w := p.watch(ctx, t, "room", "a")
	interrupt()
	require.Equal(t, exitOK, <-w.code)
	require.Empty(t, w.out.String())
}

func TestWatchShowsWhatItCannotDecode(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	nc := connect(t, server)
	w := at(server.URL()).watch(t.Context(), t, "room", "a", "--json", "--count", "1")
	require.NoError(t, nc.Publish("troupe.event.room.a.odd", []byte{0xc1}))
	require.Equal(t, exitOK, <-w.code)
	var e event
	require.NoError(t, json.Unmarshal(w.out.Bytes(), &e))
	require.Equal(t, "odd", e.Event)
	require.Contains(t, e.Error, "1 bytes")
}

func TestWatchTellsOfALostConnection(t *testing.T) {
	t.Parallel()
	var told bytes.Buffer
	status := make(chan nats.Status, 3)
	status <- nats.RECONNECTING
	status <- nats.CONNECTED
	status <- nats.CLOSED
	w := &watch{env: env{terminal: terminal{err: &told}}}
	err := w.show(t.Context(), nil, status)
	require.ErrorAs(t, err, new(connectionError))
	require.Equal(t, "connection lost: events are missed until it is back\nreconnected\n", told.String())
}

func TestWatchTellsWhatIsMissing(t *testing.T) {
	t.Parallel()
	var out, told bytes.Buffer
	messages := make(chan *nats.Msg, 4)
	for _, at := range []string{"5.1", "5.2", "5.6", "9.1"} {
		messages <- &nats.Msg{Subject: "troupe.event.room.a.sent", Header: nats.Header{wire.HeaderEvent: {at}}}
	}
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	w := &watch{env: env{namespace: ns, terminal: terminal{out: &out, err: &told}}, pattern: pattern{event: "*"}, count: 4}
	require.NoError(t, w.show(t.Context(), messages, nil))
	require.Equal(t, "missed: 3 of sent of room/a, after 2\nmissed: perhaps some of sent of room/a, after 6\n", told.String())
	require.Equal(t, 4, strings.Count(out.String(), "\n"))
}

func TestPattern(t *testing.T) {
	t.Parallel()
	key := func(text string) *string { return &text }
	for _, test := range []struct {
		actorType     string
		key           *string
		event         string
		subject, text string
	}{
		{"room", key("a b/c"), "", "troupe.event.room.a=20b.c.*", "room/a=20b/c"},
		{"room", key(""), "sent", "troupe.event.room.sent", "room"},
		{"room", key("=2A"), "", "troupe.event.room.=2A.*", "room/=2A"},
		{"room", nil, "sent", "troupe.event.room.>", "room/>"},
		{"room", key("org1/*"), "sent", "troupe.event.room.org1.*.sent", "room/org1/*"},
		{"room", key("*/x"), "", "troupe.event.room.*.x.*", "room/*/x"},
		{"room", key("org1/>"), "", "troupe.event.room.org1.>", "room/org1/>"},
		{"*", nil, "", "troupe.event.*.>", "*/>"},
		{"*", key("a"), "sent", "troupe.event.*.a.sent", "*/a"},
	} {
		p, err := newPattern(test.actorType, test.key, test.event)
		require.NoError(t, err)
		ns, err := wire.NewNamespace("")
		require.NoError(t, err)
		require.Equal(t, test.subject, p.subject(ns))
		require.Equal(t, test.text, p.text)
	}
	for _, wrong := range []string{"org*", ">/a", "a>", "a/", "=="} {
		_, err := newPattern("room", &wrong, "")
		require.ErrorAs(t, err, new(usageError), wrong)
	}
	_, err := newPattern("ro*", nil, "")
	require.ErrorIs(t, err, troupe.ErrBadInput)
}

func TestWatchMany(t *testing.T) {
	t.Parallel()
	p := at(startBus(t, actorhost.Config{}))
	texts := []*watching{
		p.watch(t.Context(), t, "room", "org1/*", "--count", "2"),
		p.watch(t.Context(), t, "room", "org1/>", "--count", "2"),
	}
	whole := p.watch(t.Context(), t, "room", "--count", "4")
	star := p.watch(t.Context(), t, "room", "=2A", "--count", "1", "--json")
	one := p.watch(t.Context(), t, "*", ">", "sent", "--count", "1")
	for _, key := range []string{"", "*", "org1/lobby", "org1/ü"} {
		require.Equal(t, exitOK, p.run(t.Context(), "call", "room", key, "empty").code)
	}
	require.Equal(t, exitOK, p.run(t.Context(), "call", "room", "a", "send", `{}`).code)
	for _, text := range texts {
		require.Equal(t, exitOK, <-text.code)
		require.Regexp(t, `^[\d:.]+  room/org1/lobby  emptied\n[\d:.]+  room/org1/ü  emptied\n$`, text.out.String())
	}
	require.Equal(t, exitOK, <-whole.code)
	require.Regexp(t, `^[\d:.]+  room  emptied\n[\d:.]+  room/=2A  emptied\n`, whole.out.String())
	require.Equal(t, exitOK, <-star.code)
	require.Contains(t, star.out.String(), `"type":"room","key":"=2A","event":"emptied"}`)
	require.Equal(t, exitOK, <-one.code)
	require.Contains(t, one.out.String(), "  room/a  sent  {")
}

func TestWatchEndsInTime(t *testing.T) {
	t.Parallel()
	p := at(startBus(t, actorhost.Config{}))
	got := p.run(t.Context(), "watch", "room", "--for", "1ms")
	require.Equal(t, exitNotFound, got.code)
	require.Contains(t, got.err, "error not_found: no event has come in time\n")
	ctx, interrupt := context.WithCancel(t.Context())
	w := p.watch(ctx, t, "room", "--count", "1")
	interrupt()
	require.Equal(t, exitInterrupted, <-w.code)
}

func TestParseFrom(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]watchFrom{
		"": {}, "first": {place: 1}, "17": {place: 17}, "10m": {since: now.Add(-10 * time.Minute)},
		"2026-11-28T12:00:00Z": {since: now.AddDate(0, 0, -1)},
	} {
		got, err := parseFrom(text, now)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, wrong := range []string{"0", "-5m", "last", "202x"} {
		_, err := parseFrom(wrong, now)
		require.ErrorContains(t, err, "expected first, a place", wrong)
	}
}

// TestWatchFrom shows what is kept, then what happens, and nothing twice.
func TestWatchFrom(t *testing.T) {
	t.Parallel()
	p := at(startBus(t, actorhost.Config{}))
	keep := func(key string) {
		require.Equal(t, exitOK, p.run(t.Context(), "call", "room", key, "close").code)
	}
	places := func(out string) (places []uint64) {
		decoder := json.NewDecoder(strings.NewReader(out))
		for decoder.More() {
			var e event
			require.NoError(t, decoder.Decode(&e))
			require.Equal(t, "closed", e.Event)
			places = append(places, e.Place)
		}
		return places
	}
	require.Equal(t, exitNotFound, p.run(t.Context(), "watch", "room", "--from", "first", "--for", "1ms").code, "nothing is kept")
	keep("a")
	keep("b")
	w := p.watch(t.Context(), t, "room", "--from", "first", "--json", "--count", "3")
	keep("c")
	require.Equal(t, exitOK, <-w.code)
	require.Equal(t, []uint64{1, 2, 3}, places(w.out.String()))
	require.Equal(t, []uint64{3}, places(p.run(t.Context(), "watch", "room", "--from", "3", "--json", "--count", "1").out))
	require.Equal(t, []uint64{2}, places(p.run(t.Context(), "watch", "room", "b", "closed", "--from", "1h", "--json", "--count", "1").out))
	require.Contains(t, p.run(t.Context(), "watch", "room", "*", "--from", "first", "--count", "1").out, "  room/a  closed")
}
