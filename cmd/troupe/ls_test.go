package main

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

func TestLsOfNothingMakesNothing(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	p := at(server.URL())
	require.Equal(t, result{exitNotFound, "", "error not_found: there are no actors in the namespace troupe\n"}, p.run(t.Context(), "ls"))
	require.Equal(t, result{exitNotFound, "", `{"code":"not_found","message":"there are no actors in the namespace other"}` + "\n"},
		p.run(t.Context(), "ls", "--json", "--namespace", "other"))

	nc := connect(t, server)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	for name := range js.StreamNames(t.Context()).Name() {
		t.Errorf("the stream %s was made", name)
	}

	startHost(t, server, actorhost.Config{})
	require.Equal(t, result{exitNotFound, "", "error not_found: there are no actors of the type room in the namespace troupe\n"},
		p.run(t.Context(), "ls", "room"))
}

func TestLs(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	stop := startHost(t, server, actorhost.Config{Name: "rooms-1"})
	p := at(server.URL())
	for _, key := range []string{"b", "a/2", "a", "a b", ""} {
		require.Equal(t, exitOK, p.run(t.Context(), "call", "room", key, "add", "1").code)
	}

	got := p.run(t.Context(), "ls", "room", "--json")
	require.Equal(t, exitOK, got.code, got.err)
	var keys []string
	for line := range strings.Lines(got.out) {
		var actor actorSummary
		require.NoError(t, json.Unmarshal([]byte(line), &actor), line)
		require.Equal(t, "room", actor.Type)
		require.Equal(t, "rooms-1", actor.Host.Name)
		require.True(t, actor.Host.Up)
		require.Positive(t, actor.State)
		require.WithinDuration(t, time.Now(), actor.Modified, time.Minute)
		keys = append(keys, actor.Key)
	}
	require.Equal(t, []string{"", "a", "a/2", "a=20b", "b"}, keys)
	require.Equal(t, got, p.run(t.Context(), "ls", "--json"))
	require.Equal(t, exitNotFound, p.run(t.Context(), "ls", "roo", "--json").code, "a type is no prefix")

	got = p.run(t.Context(), "ls", "--limit", "2")
	require.Equal(t, exitOK, got.code)
	require.Equal(t, "3 more are not shown: see --limit\n", got.err)
	lines := strings.Split(strings.TrimSpace(got.out), "\n")
	require.Len(t, lines, 3, got.out)
	require.Equal(t, []string{"TYPE", "KEY", "HOST", "STATE", "WRITTEN"}, strings.Fields(lines[0]))
	require.Contains(t, lines[1], `""`)
	require.Contains(t, lines[2], "rooms-1")

	stop()
	got = p.run(t.Context(), "ls")
	require.Equal(t, exitOK, got.code)
	require.Equal(t, 5, strings.Count(got.out, "(not up)"), got.out)
}

// TestLsShowsAnActorOnceWhileItIsWritten writes as fast as it can, so that a list comes to the same actor again.
func TestLsShowsAnActorOnceWhileItIsWritten(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	nc := connect(t, server)
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	_, err = store.OpenHosts(t.Context(), nc, ns, store.Settings{})
	require.NoError(t, err)
	records, err := store.OpenRecords(t.Context(), nc, ns, store.Settings{})
	require.NoError(t, err)
	ids := make([]troupe.ID, 3)
	for i := range ids {
		ids[i], err = troupe.NewID("room", strconv.Itoa(i))
		require.NoError(t, err)
	}
	revisions := make([]uint64, len(ids))
	write := func(ctx context.Context) (err error) {
		for i := 0; i < len(ids) && err == nil; i++ {
			revisions[i], err = records.Put(ctx, ids[i], record.Record{Created: true, Owner: "h1", Revision: revisions[i]})
		}
		return err
	}
	require.NoError(t, write(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		var err error
		for err == nil {
			err = write(ctx)
		}
		ended <- err
	}()
	p := at(server.URL())
	for range 100 {
		got := p.run(t.Context(), "ls", "--json")
		require.Equal(t, exitOK, got.code, got.err)
		var keys []string
		for line := range strings.Lines(got.out) {
			var actor actorSummary
			require.NoError(t, json.Unmarshal([]byte(line), &actor), line)
			keys = append(keys, actor.Key)
		}
		require.Equal(t, []string{"0", "1", "2"}, keys)
	}
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
}

func TestLsShowsWhatItCannotRead(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	startHost(t, server, actorhost.Config{})
	p := at(server.URL())
	nc := connect(t, server)
	overwrite(t, nc, "room.a", []byte("\xc1"))
	overwrite(t, nc, "room._=_", []byte("\xc1"))
	got := p.run(t.Context(), "ls")
	require.Equal(t, exitOK, got.code, got.err)
	require.Equal(t, 2, strings.Count(got.out, "unreadable record"), got.out)
	require.Equal(t, 2, strings.Count(got.err, "cannot be decoded"), got.err)

	got = p.run(t.Context(), "ls", "--json", "--limit", "0")
	require.Equal(t, exitOK, got.code, got.err)
	require.Equal(t, 2, strings.Count(got.out, `"error":"`), got.out)
	require.Empty(t, got.err)
}

func TestAgeAndSize(t *testing.T) {
	t.Parallel()
	for want, d := range map[string]time.Duration{
		"now":     -time.Hour,
		"59s ago": 59900 * time.Millisecond, "1m ago": 119 * time.Second, "47h ago": 47 * time.Hour, "2d ago": 49 * time.Hour,
	} {
		require.Equal(t, want, formatAge(d))
	}
	for want, bytes := range map[string]int{"0 B": 0, "1023 B": 1023, "1.5 KiB": 1536, "2.0 MiB": 2 << 20} {
		require.Equal(t, want, formatSize(bytes))
	}
}

// TestLsShowsKeysAsTheyAreTyped: and what it shows can be typed.
func TestLsShowsKeysAsTheyAreTyped(t *testing.T) {
	t.Parallel()
	p := at(startBus(t, actorhost.Config{}))
	for typed, shown := range map[string]string{"\u043a\u043b\u044e\u0447/\u9375": "\u043a\u043b\u044e\u0447/\u9375", "\xff": "=FF", "a b": "a=20b"} {
		require.Equal(t, result{exitOK, "1\n", ""}, p.run(t.Context(), "call", "room", typed, "add", "1"))
		require.Contains(t, p.run(t.Context(), "ls", "room").out, "room "+shown+" ")
		require.Contains(t, p.run(t.Context(), "ls", "--json").out, `"key":"`+shown+`"`)
		require.Equal(t, result{exitOK, "2\n", ""}, p.run(t.Context(), "call", "room", shown, "add", "1"))
		require.Contains(t, p.run(t.Context(), "info", "room", shown).out, "room/"+shown+"\n")
	}
}
