package main

import (
	"context"
	"encoding/json"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// steady replaces what differs from run to run: ids of hosts, times and ages.
func steady(text string) string {
	for _, replace := range []struct{ pattern, by string }{
		{`\b[a-z2-7]{12}\b`, "<id>"},
		{`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`, "<time>"},
		{`\bnow|\d+s ago\b`, "<age>"},
		{`\b1[6-9]\d{11}\b`, "<epoch>"},
		{`\b\d+s\b`, "0s"},
	} {
		text = regexp.MustCompile(replace.pattern).ReplaceAllString(text, replace.by)
	}
	return text
}

// lease makes a host look as if it were up.
func lease(t *testing.T, server *bus.Server, host store.HostEntry) {
	t.Helper()
	nc := connect(t, server)
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	leases, err := store.OpenHosts(t.Context(), nc, ns, store.Settings{})
	require.NoError(t, err)
	_, err = leases.Renew(t.Context(), host, 0, time.Hour)
	require.NoError(t, err)
}

// overwrite writes a record as a fault or a hand would.
func overwrite(t *testing.T, nc *nats.Conn, key string, value []byte) {
	t.Helper()
	_, err := nc.Request("$KV.troupe-actors."+key, value, 5*time.Second)
	require.NoError(t, err)
}

func TestInfo(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	stop := startHost(t, server, actorhost.Config{Name: "rooms-1"})
	p := at(server.URL())
	require.Equal(t, exitOK, p.run(t.Context(), "call", "room", "a/b c", "add", "5").code)
	require.Equal(t, exitOK, p.run(t.Context(), "call", "room", "a/b c", "add", "5").code)

	got := p.run(t.Context(), "info", "room", "a/b c")
	require.Equal(t, result{exitOK, `room/a/b=20c

  Host      rooms-1 <id>
  Awake     yes
  Written   <age> (<time>)
  Epoch     <epoch>
  Revision  3 (1 kept)
  State     16 B
  Answers   2 remembered
  Needs     once
`, ""}, result{got.code, steady(got.out), got.err})

	var info actorInfo
	asJSON := func() {
		t.Helper()
		got := p.run(t.Context(), "info", "room", "a/b c", "--json")
		require.Equal(t, exitOK, got.code, got.err)
		info = actorInfo{}
		require.NoError(t, json.Unmarshal([]byte(got.out), &info), got.out)
	}
	asJSON()
	require.Equal(t, []string{"a", "b c"}, info.Parts)
	require.True(t, info.Created)
	require.True(t, *info.Awake)
	require.True(t, info.Host.Up)
	require.Equal(t, 2, *info.Answers)
	require.EqualValues(t, 3, info.Revision)

	stop()
	asJSON()
	require.False(t, *info.Awake)
	require.False(t, info.Host.Up)
	require.Contains(t, p.run(t.Context(), "info", "room", "a/b c").out, "(not up)\n  Awake     no, its host is not up: the next call wakes it on another one\n")
	require.Equal(t, exitOK, p.run(t.Context(), "state", "set", "room", "a/b c", "{}", "--yes").code)
	require.Contains(t, p.run(t.Context(), "info", "room", "a/b c").out, "Host      none: the next call finds one\n")
}

func TestInfoOfWhatIsNotThere(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	p := at(server.URL())
	nothing := result{exitNotFound, "", "error not_found: there is no actor room/a\n"}
	require.Equal(t, nothing, p.run(t.Context(), "info", "room", "a"), "and no bucket")
	startHost(t, server, actorhost.Config{})
	require.Equal(t, nothing, p.run(t.Context(), "info", "room", "a"))
	require.Equal(t, exitUsage, p.run(t.Context(), "info", "room", "a//b").code)
}

func TestInfoShowsWhatItCannotRead(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	startHost(t, server, actorhost.Config{})
	p := at(server.URL())
	nc := connect(t, server)
	overwrite(t, nc, "room.a", []byte("\xc1 junk"))
	got := p.run(t.Context(), "info", "room", "a")
	require.Equal(t, exitOK, got.code)
	require.Contains(t, got.out, "room/a  unreadable record\n")
	require.Contains(t, got.err, "cannot be decoded")
	got = p.run(t.Context(), "info", "room", "a", "--json")
	require.Contains(t, got.out, `"error":"`)
	require.Empty(t, got.err)

	lease(t, server, store.HostEntry{ID: "frozen"})
	overwrite(t, nc, "room.b", []byte("\x83\xa5owner\xa6frozen\xa7created\xc3\xa7answers\xc4\x01\xc1"))
	got = p.run(t.Context(), "info", "room", "b")
	require.Contains(t, got.out, "Awake     unknown: its host does not reply\n")
	require.Contains(t, got.out, "Answers   not readable\n")
	got = p.run(t.Context(), "info", "room", "b", "--json")
	require.Contains(t, got.out, `"awake":null`)
	require.Contains(t, got.out, `"answers":null`)
	overwrite(t, nc, "room.c", []byte("\x81\xa5owner\xa6frozen"))
	require.Contains(t, p.run(t.Context(), "info", "room", "c").out, "room/c  not created yet\n")
}

// gallery is an actor type whose only action looks, until the test ends.
type gallery struct{ troupe.Ref }

func (gallery) ActorType() string { return "gallery" }

var gaze = troupe.NewAction[gallery, troupe.None, troupe.None]("gaze")

// TestInfoOfReaders has three read-only actions of one actor run beside each other.
func TestInfoOfReaders(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	over := t.Context().Done()
	put := troupe.NewAction[gallery, int, troupe.None]("put")
	glance, back := troupe.NewAction[gallery, troupe.None, troupe.None]("glance"), troupe.NewAction[gallery, troupe.None, troupe.None]("back")
	look := func(*int, *actorhost.Context) error { return nil }
	host, err := actorhost.Start(t.Context(), connect(t, server), actorhost.Config{}, actorhost.Define(func() int { return 0 },
		actorhost.On(put, actorhost.NoOut(func(n *int, _ *actorhost.Context, more int) error { *n += more; return nil })),
		actorhost.On(gaze, actorhost.NoInNoOut(func(*int, *actorhost.Context) error { <-over; return nil })).ReadOnly(),
		actorhost.On(glance, actorhost.NoInNoOut(look)).BesideTurns(), actorhost.On(back, actorhost.NoInNoOut(look)).Reentrant()))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, host.Stop(context.Background())) })
	p := at(server.URL())
	require.Equal(t, exitOK, p.run(t.Context(), "call", "gallery", "a", "put", "1").code)
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() { p.run(t.Context(), "call", "gallery", "a", "gaze") })
	}
	t.Cleanup(all.Wait)
	require.Eventually(t, func() bool {
		return regexp.MustCompile(`\n  Runs +action gaze of gallery/a for .*, and 2 read-only beside it\n`).MatchString(p.run(t.Context(), "info", "gallery", "a").out)
	}, 10*time.Second, 10*time.Millisecond)
	require.Contains(t, p.run(t.Context(), "info", "gallery", "a", "--json").out, `"beside":2`)
	types := p.run(t.Context(), "types", "gallery").out
	require.Regexp(t, `read-only action +gaze`, types)
	require.Regexp(t, `beside-turns action +glance`, types)
	require.Regexp(t, `reentrant action +back`, types)
	require.Contains(t, p.run(t.Context(), "schema", "gallery", "--typescript").out, "may be called by what its actor waits for")
}
