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
	err := new(watchCommand).show(t.Context(), env{terminal: terminal{err: &told}}, nil, status)
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
	require.NoError(t, (&watchCommand{Count: 4}).show(t.Context(), env{namespace: ns, terminal: terminal{out: &out, err: &told}}, messages, nil))
	require.Equal(t, "missed: 3 of sent of room/a, after 2\nmissed: perhaps some of sent of room/a, after 6\n", told.String())
	require.Equal(t, 4, strings.Count(out.String(), "\n"))
}
