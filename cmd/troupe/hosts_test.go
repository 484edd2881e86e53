package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

func TestHosts(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	p := at(server.URL())
	require.Equal(t, exitNotFound, p.run(t.Context(), "hosts").code)
	require.Equal(t, exitNotFound, p.run(t.Context(), "hosts", "--json").code)

	startHost(t, server, actorhost.Config{Name: "rooms-1"})
	for _, args := range [][]string{{"a", "add", "1"}, {"b", "add", "1"}, {"b", "sell", `{"left":4}`}} {
		p.run(t.Context(), append([]string{"call", "room"}, args...)...)
	}
	lease(t, server, store.HostEntry{ID: "frozen", Name: "sleepy", Types: []string{"room", "hall"}, Started: time.Now().Add(-49 * time.Hour)})
	got := p.run(t.Context(), "hosts")
	require.Equal(t, exitOK, got.code, got.err)
	lines := strings.Split(steady(regexp.MustCompile(`rooms-1 \w+`).ReplaceAllString(got.out, "rooms-1 <host>")), "\n")
	require.Equal(t, []string{
		"HOST           TYPES      UP  AWAKE CALLS FAILED REFUSED",
		"rooms-1 <host> room       0s      2     3      0       1",
		"sleepy frozen  room, hall 2d silent     -      -       -",
		"",
	}, lines)

	got = p.run(t.Context(), "hosts", "--json")
	require.Equal(t, exitOK, got.code, got.err)
	decoder := json.NewDecoder(strings.NewReader(got.out))
	var up, silent hostLine
	require.NoError(t, decoder.Decode(&up))
	require.NoError(t, decoder.Decode(&silent))
	require.False(t, decoder.More())
	require.Equal(t, wire.HostInfo{
		ID: up.ID, Awake: 2, Calls: 3, Failed: 1, Types: map[string]int{"room": 2}, Own: map[string]int64{"out_of_stock": 1},
	}, *up.Info)
	require.Nil(t, silent.Info)
	require.Contains(t, silent.Error, "does not reply")
}

func TestDrain(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	startHost(t, server, actorhost.Config{Name: "one"})
	startHost(t, server, actorhost.Config{Name: "two"})
	startHost(t, server, actorhost.Config{Name: "two"})
	p := at(server.URL())
	ids := func(name string) (ids []string) {
		t.Helper()
		decoder := json.NewDecoder(strings.NewReader(p.run(t.Context(), "hosts", "--json").out))
		for decoder.More() {
			var host hostLine
			require.NoError(t, decoder.Decode(&host))
			if host.Name == name {
				ids = append(ids, host.ID)
			}
		}
		return ids
	}

	one := ids("one")[0]
	got := p.answering("n\n").run(t.Context(), "drain", "one")
	require.Equal(t, result{exitUsage, "", "Drain the host one " + one + "? [y/N] error usage: cancelled: nothing is changed\n"}, got)
	got = p.answering("").run(t.Context(), "drain", "one")
	require.Equal(t, exitUsage, got.code, "the end of the input is no yes")
	require.Len(t, ids("one"), 1)
	got = p.answering("y\n").run(t.Context(), "drain", one[:11])
	require.Equal(t, exitOK, got.code, got.err)
	require.Regexp(t, `\[y/N\] drained one `+one+` in [\d.]+m?s\n$`, got.err)
	require.Empty(t, ids("one"))

	got = p.run(t.Context(), "drain", "two")
	require.Equal(t, result{exitUsage, "", "error usage: 2 hosts match \"two\": name one by its id, see troupe hosts\n"}, got)
	require.Equal(t, exitNotFound, p.run(t.Context(), "drain", one).code)
	require.Equal(t, exitNotFound, p.run(t.Context(), "drain", "").code)
	require.Equal(t, exitUsage, p.run(t.Context(), "drain", "two", "--wait", "-1s").code)

	two := ids("two")
	got = p.run(t.Context(), "drain", two[0], "--json")
	require.Equal(t, exitOK, got.code, got.err)
	require.Contains(t, got.out, `{"id":"`+two[0]+`","name":"two","ended":true,"seconds":`)
	got = p.answering("").run(t.Context(), "drain", "two", "--force", "--wait", "0")
	require.Equal(t, result{exitOK, "", "two " + two[1] + " is draining\n"}, got)
	require.Eventually(t, func() bool { return len(ids("two")) == 0 }, 10*time.Second, time.Millisecond)
}

func TestDrainOfASilentHost(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	p := at(server.URL())
	lease(t, server, store.HostEntry{ID: "gone"})
	got := p.run(t.Context(), "drain", "gone")
	require.Equal(t, exitUnavailable, got.code)
	require.Contains(t, got.err, "error unavailable: asking the host gone to drain: the host does not reply")

	nc := connect(t, server)
	deaf, err := nc.SubscribeSync("troupe.host.gone.>")
	require.NoError(t, err)
	require.NoError(t, nc.Flush())
	got = p.run(t.Context(), "drain", "gone", "--timeout", "500ms")
	require.Equal(t, exitUnknown, got.code)
	require.Contains(t, got.err, "error outcome_unknown: the host gone was asked to drain and does not reply")

	require.NoError(t, deaf.Unsubscribe())
	_, err = nc.Subscribe("troupe.host.gone.drain", func(msg *nats.Msg) { _ = msg.Respond(nil) })
	require.NoError(t, err)
	require.NoError(t, nc.Flush())
	got = p.run(t.Context(), "drain", "gone", "--wait", "50ms")
	require.Equal(t, exitUnknown, got.code)
	require.Contains(t, got.err, "was asked to drain and has not ended within 50ms")
}
