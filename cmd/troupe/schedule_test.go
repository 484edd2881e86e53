package main

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// ok runs a command that succeeds.
func (p program) ok(t *testing.T, args ...string) result {
	t.Helper()
	got := p.run(t.Context(), args...)
	require.Equal(t, exitOK, got.code, "%v: %s", args, got.err)
	return got
}

// schedules runs troupe schedule ls --json.
func (p program) schedules(t *testing.T, args ...string) (lines []scheduleLine) {
	t.Helper()
	got := p.run(t.Context(), append([]string{"schedule", "ls", "--json"}, args...)...)
	if got.code == exitNotFound {
		require.Empty(t, got.out)
		return nil
	}
	require.Equal(t, exitOK, got.code, got.err)
	for text := range strings.Lines(got.out) {
		var line scheduleLine
		require.NoError(t, json.Unmarshal([]byte(text), &line), text)
		lines = append(lines, line)
	}
	return lines
}

func names(lines []scheduleLine) (all []string) {
	for _, line := range lines {
		all = append(all, line.Name)
	}
	return all
}

// sum is what the adds of a room come to.
func (p program) sum(t *testing.T, key string) string {
	t.Helper()
	return strings.TrimSpace(p.ok(t, "call", "room", key, "add", "0").out)
}

func TestScheduleFromAddToCancel(t *testing.T) {
	t.Parallel()
	p := at(startBus(t, actorhost.Config{}))
	began := time.Now()
	added := p.ok(t, "schedule", "add", "room", "a/b", "add", "5", "--after", "1h", "--name", "later")
	require.Equal(t, "later\n", added.out)
	require.Regexp(t, `^later of room/a/b is due \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(in (59m|1h)\)\n$`, added.err)
	cron := fmt.Sprintf("0 9 * * %d", (began.Weekday()+3)%7) // not within the next hours, whatever day it is
	p.ok(t, "schedule", "add", "room", "a/b", "send", `{"from":"ann","text":"<hi>"}`, "--cron", cron, "--zone", "Europe/Berlin",
		"--missed", "skip", "--name", "weekly")
	p.ok(t, "schedule", "add", "room", "a/b", "empty", "--every", "90m", "--spread", "1m", "--name", "sweep")
	name := strings.TrimSpace(p.ok(t, "schedule", "add", "room", "a/b", "empty", "--at", "2031-01-31T09:00:00+01:00").out)

	lines := p.schedules(t, "room", "a/b")
	require.Equal(t, []string{"later", "sweep", "weekly", name}, names(lines))
	require.Equal(t, p.schedules(t), lines, "as the records have it")
	require.Equal(t, p.schedules(t, "room"), lines)
	require.WithinRange(t, lines[0].Due, began.Add(time.Hour), time.Now().Add(time.Hour+time.Second))
	require.Equal(t, "5", string(lines[0].Input))
	require.Equal(t, "1h30m0s", lines[1].Every)
	require.Empty(t, lines[1].Input)
	require.JSONEq(t, `{"from":"ann","text":"<hi>"}`, string(lines[2].Input))
	require.Equal(t, []string{cron, "Europe/Berlin", "skip"}, []string{lines[2].Cron, lines[2].Zone, string(lines[2].Missed)})
	require.Equal(t, "2031-01-31T08:00:00Z", lines[3].Due.Format(time.RFC3339))

	table := p.ok(t, "schedule", "ls").out
	require.Equal(t, []string{"DUE", "TYPE", "KEY", "NAME", "ACTION", "REPEATS"}, strings.Fields(strings.SplitN(table, "\n", 2)[0]))
	require.Regexp(t, `(?m)^\S+ \S+ \(in (59m|1h)\) +room +a/b +later +add +once$`, table)
	require.Regexp(t, `(?m)room +a/b +sweep +empty +every 1h30m$`, table)
	require.Regexp(t, `(?m)room +a/b +weekly +send +`+regexp.QuoteMeta(cron)+` Europe/Berlin$`, table)
	require.NotContains(t, p.ok(t, "schedule", "ls", "room", "a/b").out, "TYPE")
	limited := p.ok(t, "schedule", "ls", "--limit", "1")
	require.Equal(t, "3 more are not shown: see --limit\n", limited.err)
	require.Equal(t, 2, strings.Count(limited.out, "\n"))

	require.Contains(t, p.ok(t, "info", "room", "a/b").out, "\n  Schedules 4, next later at ")
	require.Contains(t, p.ok(t, "info", "room", "a/b", "--json").out, `"schedules":4,"next_due":{"type":"room","key":"a/b","name":"later"`)

	p.ok(t, "schedule", "add", "room", "a/b", "add", "6", "--after", "2h", "--name", "later", "--json")
	require.Len(t, p.schedules(t, "room", "a/b"), 4, "it was replaced")
	require.Equal(t, result{exitOK, "", "cancelled later of room/a/b\n"}, p.run(t.Context(), "schedule", "cancel", "room", "a/b", "later"))
	require.Equal(t, result{exitNotFound, "", "error not_found: room/a/b has no schedule later\n"},
		p.run(t.Context(), "schedule", "cancel", "room", "a/b", "later"))
	require.JSONEq(t, `{"type":"room","key":"a/b","name":"sweep","cancelled":true}`, p.ok(t, "schedule", "cancel", "room", "a/b", "sweep", "--json").out)
	require.Equal(t, []string{"weekly", name}, names(p.schedules(t, "room", "a/b")))
}

func TestScheduleRunsNowAndKeepsItsTimes(t *testing.T) {
	t.Parallel()
	p := at(startBus(t, actorhost.Config{}))
	p.ok(t, "schedule", "add", "room", "a", "add", "5", "--every", "1h", "--name", "hourly")
	p.ok(t, "schedule", "add", "room", "a", "add", "100", "--after", "2h", "--name", "once")
	before := p.schedules(t, "room", "a")
	require.Equal(t, result{exitOK, "", "hourly of room/a runs now\n"}, p.run(t.Context(), "schedule", "run", "room", "a", "hourly"))
	require.Eventually(t, func() bool { return p.sum(t, "a") == "5" }, 20*time.Second, 10*time.Millisecond)
	require.Equal(t, before, p.schedules(t, "room", "a"))
	require.JSONEq(t, `{"type":"room","key":"a","name":"once","runs":true}`, p.ok(t, "schedule", "run", "room", "a", "once", "--json").out)
	require.Eventually(t, func() bool { return p.sum(t, "a") == "105" }, 20*time.Second, 10*time.Millisecond)
	require.Equal(t, []string{"hourly"}, names(p.schedules(t, "room", "a")))
	require.Equal(t, exitNotFound, p.run(t.Context(), "schedule", "run", "room", "a", "once").code)

	added := p.ok(t, "schedule", "add", "room", "a", "add", "1000", "--at", "1969-01-01T00:00:00Z", "--json").out
	require.Contains(t, added, `{"type":"room","key":"a","name":"s`)
	require.Eventually(t, func() bool { return p.sum(t, "a") == "1105" }, 20*time.Second, 10*time.Millisecond)
}

func TestScheduleShowsWhatWasGivenUp(t *testing.T) {
	t.Parallel()
	p := at(startBus(t, actorhost.Config{}))
	require.Equal(t, result{exitNotFound, "", "error not_found: nothing was given up in the namespace troupe\n"},
		p.run(t.Context(), "schedule", "ls", "--parked"))
	p.ok(t, "schedule", "add", "room", "a", "add", "5", "--after", "1h", "--name", "fine")
	p.ok(t, "schedule", "add", "room", "a", "buggy", "--every", "1s", "--name", "ill")
	require.Eventually(t, func() bool { return len(p.schedules(t, "--parked")) == 1 }, 20*time.Second, 50*time.Millisecond)
	p.ok(t, "schedule", "add", "room", "a", "buggy", "--every", "1h", "--name", "ill") // the parked run stays

	lines := p.schedules(t, "room", "--parked")
	require.Equal(t, []string{"ill"}, names(lines))
	require.True(t, lines[0].Parked)
	require.Positive(t, lines[0].Attempts)
	require.Contains(t, lines[0].Error, "internal: ")
	got := p.ok(t, "schedule", "ls", "room", "a").out
	require.Contains(t, got, "TROUBLE")
	require.Regexp(t, `(?m)\) +ill +buggy +every 1s +given up after \d+: internal: `, got)
	require.Contains(t, p.ok(t, "info", "room", "a").out, "\n  Parked    ill given up after ")
	require.Contains(t, p.ok(t, "info", "room", "a", "--json").out, `"parked_runs":[{"type":"room","key":"a","name":"ill"`)
	require.Regexp(t, `^\d+ scheduled runs were given up: see troupe schedule ls --parked\n$`, p.ok(t, "ls").err)
	require.Contains(t, p.ok(t, "ls", "--json").out, `"parked":1`)
	require.Contains(t, p.ok(t, "doctor").out, "note   1 actors have scheduled runs that were given up\n")
	require.Regexp(t, `^\d+ scheduled runs were given up since these hosts started: see `, p.ok(t, "hosts").err)
	require.Regexp(t, `"given_up":[1-9]`, p.ok(t, "hosts", "--json").out)

	require.Equal(t, result{exitNotFound, "", "error not_found: no run of fine of room/a was given up\n"},
		p.run(t.Context(), "schedule", "retry", "room", "a", "fine"))
	require.Equal(t, "ill of room/a runs now\n", p.ok(t, "schedule", "retry", "room", "a").err)
	require.Empty(t, p.schedules(t, "--parked"))
	require.Equal(t, result{exitNotFound, "", "error not_found: no run of a schedule of room/a was given up\n"},
		p.run(t.Context(), "schedule", "retry", "room", "a"))
}

func TestScheduleOfWhatIsNotThere(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	p := at(server.URL())
	require.Equal(t, result{exitNotFound, "", "error not_found: nothing is scheduled in the namespace troupe\n"}, p.run(t.Context(), "schedule", "ls"))
	require.Equal(t, exitNotFound, p.run(t.Context(), "schedule", "ls", "room", "a").code)
	stop := startHost(t, server, actorhost.Config{})
	for _, args := range [][]string{
		{"ls", "room", "a"}, {"cancel", "room", "a", "x"}, {"run", "room", "a", "x"}, {"retry", "room", "a", "x"},
		{"add", "room", "a", "empty", "--after", "1s", "--existing"},
	} {
		got := p.run(t.Context(), append([]string{"schedule"}, args...)...)
		require.Equal(t, result{exitNotFound, "", got.err}, got)
		require.Regexp(t, `^error not_found: .*there is no actor room.a\n$`, got.err)
	}
	require.Equal(t, exitNotFound, p.run(t.Context(), "ls").code, "and none was created")
	require.Equal(t, result{exitNotFound, "", "error not_found: nothing is scheduled by actors of the type room in the namespace troupe\n"},
		p.run(t.Context(), "schedule", "ls", "room"))

	p.ok(t, "schedule", "add", "room", "a", "add", "5", "--after", "1h", "--name", "later")
	lines := p.schedules(t, "room", "a")
	stop()
	got := p.ok(t, "schedule", "ls", "room", "a", "--json")
	require.Equal(t, "no host of the type room can be asked: this is what the record has\n", got.err)
	var line scheduleLine
	require.NoError(t, json.Unmarshal([]byte(got.out), &line))
	require.Equal(t, lines[0], line)
	for _, args := range [][]string{{"cancel", "room", "a", "later"}, {"add", "room", "a", "empty", "--after", "1s"}, {"retry", "room", "a"}} {
		got := p.run(t.Context(), append([]string{"schedule"}, args...)...)
		require.Equal(t, exitUnavailable, got.code, got.err)
		require.Contains(t, got.err, "a host of it has been up")
	}
}

func TestScheduleSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	p := at(startBus(t, actorhost.Config{}))
	for _, one := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"add"}, exitUsage, `when\? Give one of --at, --after, --every and --cron`},
		{[]string{"add", "5", "--after", "1s", "--every", "5s"}, exitUsage, `when\? Give one of`},
		{[]string{"add", "5", "--after", "soon"}, exitUsage, `expected a duration such as 500ms, 5s or 2m, got "soon"`},
		{[]string{"add", "5", "--after", "-5s"}, exitUsage, `--after -5s is in the past`},
		{[]string{"add", "5", "--every", "1ms"}, exitUsage, `--every 1ms is more often than every second`},
		{[]string{"add", "5", "--every", "1h", "--spread", "-1s"}, exitUsage, `--spread -1s is negative`},
		{[]string{"add", "5", "--at", "tomorrow"}, exitUsage, `--at "tomorrow" is no time such as 2027`},
		{[]string{"add", "5", "--at", "25:00"}, exitUsage, `is no time such as`},
		{[]string{"add", "5", "--at", "12000-01-01T00:00:00Z"}, exitUsage, `is no time such as`},
		{[]string{"add", "5", "--after", "1s", "--name", "a b"}, exitUsage, `"a b"`},
		{[]string{"add", "5", "--cron", "0 9 * *"}, exitUsage, `0 9 \* \*`},
		{[]string{"add", "5", "--cron", "0 9 * * 9"}, exitUsage, `9`},
		{[]string{"add", "5", "--cron", "0 0 31 2 *"}, exitUsage, `31 2`},
		{[]string{"add", "5", "--cron", "@daily", "--zone", "Europe/Atlantis"}, exitUsage, `Europe/Atlantis`},
		{[]string{"add", "5", "--after", "1s", "--zone", "Europe/Berlin"}, exitUsage, `only a cron expression has a time zone`},
		{[]string{"add", "5", "--every", "5s", "--missed", "some"}, exitUsage, `there is no policy "some"`},
		{[]string{"add", "5", "--after", "5s", "--missed", "all"}, exitUsage, `what runs once is neither missed nor spread`},
		{[]string{"fly", "--after", "1s"}, exitNotFound, `has no action "fly" to schedule, it has .*\badd\b`},
		{[]string{"_sleep", "--after", "1s"}, exitNotFound, `no action "_sleep" to schedule`},
		{[]string{"sell", `"five"`, "--after", "1s"}, exitUsage, `input of sell: .*; it takes: .*\bid\b`},
		{[]string{"add", `"five"`, "--after", "1s"}, exitUsage, `input of add: .*; it takes: whole number`},
		{[]string{"add", `five`, "--after", "1s"}, exitUsage, `the input is not JSON`},
		{[]string{"add", "--after", "1s"}, exitUsage, `input of add: expected int, got null; it takes: whole number`},
		{[]string{"empty", `5`, "--after", "1s"}, exitUsage, `empty`},
	} {
		got := p.run(t.Context(), append([]string{"schedule", "add", "room", "a"}, one.args...)...)
		t.Logf("%v: %s", one.args, strings.TrimSpace(got.err))
		require.Equal(t, result{one.code, "", got.err}, got, one.args)
		require.Regexp(t, one.want, got.err, one.args)
		require.Equal(t, 1, strings.Count(got.err, "\n"), got.err)
	}
	require.Equal(t, exitUsage, p.run(t.Context(), "schedule", "cancel", "room", "a", "a b").code)
	require.Equal(t, exitUsage, p.run(t.Context(), "schedule", "ls", "room", "a//b").code)
	require.Equal(t, exitUsage, p.run(t.Context(), "schedule", "ls", "ro om").code)
	require.Empty(t, p.schedules(t))
}

func TestScheduleListsAThousandOfAnActor(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	startHost(t, server, actorhost.Config{})
	p := at(server.URL())
	cl, err := client.New(connect(t, server), client.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cl.Close(context.Background())) })
	full := troupe.SchedulerOf(t.Context(), troupe.GetOrCreate[room](cl, "full"))
	began := time.Now()
	many := 0
	for err == nil && many <= troupe.MaxSchedules {
		_, err = add.At(full, began.Add(time.Hour+time.Duration(many)*time.Second), 1, troupe.Named(fmt.Sprintf("n%d", many)))
		many++
	}
	require.ErrorIs(t, err, troupe.ErrTooLarge)
	many--
	require.Greater(t, many, troupe.MaxSchedules*8/10)
	got := p.run(t.Context(), "schedule", "add", "room", "full", "add", "1", "--after", "1s")
	require.Equal(t, result{exitFailed, "", got.err}, got)
	require.Regexp(t, `^error too_large: [^\n]*room/full[^\n]*\n$`, got.err)
	for _, of := range [][]string{nil, {"room"}, {"room", "full"}} {
		lines := p.schedules(t, of...)
		require.Len(t, lines, many)
		for i, line := range lines {
			require.Equal(t, fmt.Sprintf("n%d", i), line.Name, "the earliest first")
		}
		require.Equal(t, lines[:10], p.schedules(t, append(of, "--limit", "10")...))
	}
	require.Contains(t, p.ok(t, "info", "room", "full").out, fmt.Sprintf("Schedules %d, next n0 at ", many))
}

// TestScheduleListsTheEarliestOfMany, of which it keeps those only that it shows.
func TestScheduleListsTheEarliestOfMany(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	nc := connect(t, server)
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	records, err := store.OpenRecords(t.Context(), nc, ns, store.Settings{})
	require.NoError(t, err)
	const actors, each = 30, 100
	now := time.Now().UnixMilli()
	for i := range actors {
		var parts record.Parts
		for n := range each {
			record.PutSchedule{Scheduled: record.Scheduled{
				Name: fmt.Sprintf("n%d", n), Action: "add", Due: now + int64(1000*(n*actors+i)), // the actors take turns
			}}.Apply(&parts)
		}
		r := record.Record{Owner: "gone", Epoch: 1, Created: true, State: []byte{0x80}}
		parts.Fill(&r)
		_, err := records.Put(t.Context(), bustest.NewID(t, "room", fmt.Sprint(i)), r)
		require.NoError(t, err)
	}
	p := at(server.URL())
	all := p.schedules(t)
	require.Len(t, all, actors*each)
	for i, line := range all {
		require.Equal(t, []string{fmt.Sprint(i % actors), fmt.Sprintf("n%d", i/actors)}, []string{line.Key, line.Name})
	}
	require.Equal(t, all[:150], p.schedules(t, "--limit", "150"))
	shown := p.ok(t, "schedule", "ls")
	require.Equal(t, 1001, strings.Count(shown.out, "\n"))
	require.Equal(t, "2000 more are not shown: see --limit\n", shown.err)
}

func TestParseTime(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	now := time.Date(2026, 3, 28, 10, 30, 0, 0, berlin) // clocks are set forward in the night
	for text, want := range map[string]string{
		"2027-01-31T09:00:00Z":   "2027-01-31T09:00:00Z",
		"2027-01-31 09:00":       "2027-01-31T09:00:00+01:00",
		"2026-07-31T09:00":       "2026-07-31T09:00:00+02:00",
		"2026-07-31 09:00:01":    "2026-07-31T09:00:01+02:00",
		"10:31":                  "2026-03-28T10:31:00+01:00",
		"10:29":                  "2026-03-29T10:29:00+02:00",
		"10:29:59":               "2026-03-29T10:29:59+02:00",
		"2027-01-31T09:00:00.5Z": "2027-01-31T09:00:00Z",
	} {
		at, err := parseTime(text, now)
		require.NoError(t, err, text)
		require.Equal(t, want, at.Format(time.RFC3339), text)
	}
}

func TestScheduleDenied(t *testing.T) {
	t.Parallel()
	only := func(subjects ...string) *server.Permissions {
		return &server.Permissions{
			Publish:   &server.SubjectPermission{Allow: append(subjects, "$JS.API.INFO")},
			Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>"}},
		}
	}
	srv, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir(),
		Users: []*server.User{
			{Username: "host", Password: "secret"},
			{Username: "ann", Password: "secret", Permissions: only("troupe.*.room.a._schedules")},
		},
	})
	require.NoError(t, err)
	srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	require.True(t, srv.ReadyForConnections(10*time.Second))
	nc, err := bus.Connect(t.Context(), bus.Config{URL: srv.ClientURL(), User: "host", Password: "secret"})
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	host, err := actorhost.Start(t.Context(), nc, actorhost.Config{}, rooms())
	require.NoError(t, err)
	t.Cleanup(func() { _ = host.Stop(t.Context()) })

	as := func(user string, args ...string) result {
		return at(srv.ClientURL()).run(t.Context(), append([]string{"--user", user, "--password", "secret", "schedule"}, args...)...)
	}
	require.Equal(t, exitOK, as("host", "add", "room", "a", "add", "5", "--after", "1h", "--name", "later").code)
	require.Equal(t, exitOK, as("ann", "ls", "room", "a").code)
	for _, args := range [][]string{
		{"add", "room", "a", "add", "5", "--after", "1h"}, {"cancel", "room", "a", "later"}, {"run", "room", "a", "later"},
		{"ls", "room", "b"}, {"ls"}, {"ls", "room"},
	} {
		got := as("ann", args...)
		require.Equal(t, result{exitFailed, "", got.err}, got, args)
		require.Regexp(t, `^error denied: [^\n]*\n$`, got.err)
	}
	require.Equal(t, exitNotFound, as("ann", "retry", "room", "a", "later").code, "there is nothing to retry")
}
