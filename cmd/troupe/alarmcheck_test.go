package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/wire"
)

const noAlarms = " actors have scheduled something and have no alarm for it\n"

// forgetful are rooms that fall asleep at once.
func forgetful(t *testing.T, server *bus.Server) {
	t.Helper()
	host, err := actorhost.Start(t.Context(), connect(t, server), actorhost.Config{Logger: slog.New(slog.DiscardHandler)},
		rooms().(actorhost.ActorType[room, roomState]).Config(actorhost.TypeConfig{SleepAfter: time.Millisecond}))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, host.Stop(context.Background())) })
}

// asleep waits until an actor sleeps.
func asleep(t *testing.T, p program, key string) {
	t.Helper()
	require.Eventually(t, func() bool {
		return strings.Contains(p.ok(t, "info", "room", key, "--json").out, `"awake":false`)
	}, 20*time.Second, 20*time.Millisecond)
}

// TestDoctorSetsAlarmsThatAreLost loses those of sleeping actors, in each of the ways.
func TestDoctorSetsAlarmsThatAreLost(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*testing.T, jetstream.JetStream, jetstream.Stream){
		"the stream is deleted": func(t *testing.T, js jetstream.JetStream, _ jetstream.Stream) {
			t.Helper()
			require.NoError(t, js.DeleteStream(t.Context(), "troupe-due"))
		},
		"the stream is emptied": func(t *testing.T, _ jetstream.JetStream, alarms jetstream.Stream) {
			t.Helper()
			require.NoError(t, alarms.Purge(t.Context()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startServer(t)
			p := at(server.URL())
			forgetful(t, server)
			const actors = 3
			for i := range actors {
				p.ok(t, "schedule", "add", "room", fmt.Sprint(i), "add", "5", "--after", "6s")
			}
			for i := range actors {
				asleep(t, p, fmt.Sprint(i))
			}
			require.NotContains(t, p.ok(t, "doctor").out, noAlarms)
			js, err := jetstream.New(connect(t, server))
			require.NoError(t, err)
			alarms, err := js.Stream(t.Context(), "troupe-due")
			require.NoError(t, err)
			lose(t, js, alarms)

			got := p.run(t.Context(), "doctor")
			require.Equal(t, exitFailed, got.code, got.err)
			require.Contains(t, got.out, "wrong  3"+noAlarms+"       such as room/")
			require.Equal(t, "error failed: 1 wrong, of which troupe doctor --repair repairs 1\n", got.err)
			require.Equal(t, "repaired: 3"+noAlarms, p.ok(t, "doctor", "--repair").err)
			require.NotContains(t, p.ok(t, "doctor").out, noAlarms)
			require.Eventually(t, func() bool { return len(p.schedules(t)) == 0 }, 30*time.Second, 50*time.Millisecond, "they run")
			for i := range actors {
				require.Equal(t, "5", p.sum(t, fmt.Sprint(i)))
			}
		})
	}
}

// TestDoctorKnowsWhichAlarmsDo: one that is too late does not, one that has rung does.
func TestDoctorKnowsWhichAlarmsDo(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	p := at(server.URL())
	stop := startHost(t, server, actorhost.Config{})
	for _, key := range []string{"late", "early", "rung"} {
		p.ok(t, "schedule", "add", "room", key, "add", "5", "--after", "1h")
	}
	stop()
	js, err := jetstream.New(connect(t, server))
	require.NoError(t, err)
	alarms, err := js.Stream(t.Context(), "troupe-due")
	require.NoError(t, err)
	require.NoError(t, alarms.Purge(t.Context()))
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	put := func(key string, after time.Duration) {
		at := time.Now().Add(after)
		_, err := js.PublishMsg(t.Context(), &nats.Msg{
			Subject: "troupe.alarm.room." + key, Header: ns.AlarmHeader(bustest.NewID(t, "room", key), at), Data: wire.AlarmBody(at.UnixMilli()),
		})
		require.NoError(t, err)
	}
	put("late", 2*time.Hour)
	put("early", time.Minute)
	put("rung", -time.Minute)
	got := p.run(t.Context(), "doctor")
	require.Equal(t, exitFailed, got.code, got.err)
	require.Contains(t, got.out, "wrong  1"+noAlarms+"       such as room/late\n")
	p.ok(t, "doctor", "--repair")
	require.NotContains(t, p.ok(t, "doctor").out, noAlarms)
}

// TestDoctorLooksAgain at an actor that has scheduled something since the alarms were read.
func TestDoctorLooksAgain(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	p := at(server.URL())
	startHost(t, server, actorhost.Config{})
	p.ok(t, "schedule", "add", "room", "before", "add", "5", "--after", "1h")
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	x := examination{connection: connection{env{namespace: ns, timeout: 10 * time.Second}, connect(t, server)}}
	defer x.close()
	x.hosts, err = x.hostsUp(t.Context())
	require.NoError(t, err)
	x.records, err = x.findRecords(t.Context())
	require.NoError(t, err)
	alarms, err := findAlarms(t.Context(), x.connection, x.records, x.hosts, 1)
	require.NoError(t, err)
	require.Len(t, alarms.standing, 1)
	for i := range 5 {
		p.ok(t, "schedule", "add", "room", fmt.Sprint(i), "add", "5", "--after", "1h")
	}
	for one, err := range x.records.List(t.Context(), "") {
		require.NoError(t, err)
		parts, err := one.Open()
		require.NoError(t, err)
		alarms.compare(one, parts.Schedules())
	}
	require.Len(t, alarms.suspects, 5)
	found, err := alarms.findings(t.Context())
	require.NoError(t, err)
	require.Empty(t, found)
}

func TestDoctorChecksTheStreamOfAlarms(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	p := at(server.URL())
	startHost(t, server, actorhost.Config{})
	js, err := jetstream.New(connect(t, server))
	require.NoError(t, err)
	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "troupe-due", Subjects: []string{"troupe.alarm.>", "troupe.due.>"}, MaxMsgsPerSubject: 1, AllowDirect: true,
	})
	require.NoError(t, err)
	got := p.run(t.Context(), "doctor")
	require.Equal(t, exitFailed, got.code, got.err)
	require.Contains(t, got.out, "wrong  the stream troupe-due is not as a host needs it: retention is limits, it must be workqueue; allow_msg_schedules is false, it must be true\n")
}

// TestDoctorWhileSchedulesRun finds nothing wrong with actors that set their alarms anew all the time.
func TestDoctorWhileSchedulesRun(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	p := at(server.URL())
	forgetful(t, server)
	for i := range 20 {
		p.ok(t, "schedule", "add", "room", fmt.Sprint(i), "add", "1", "--every", "1s")
	}
	for began := time.Now(); time.Since(began) < 5*time.Second; {
		require.NotContains(t, p.ok(t, "doctor").out, noAlarms)
	}
	for i := range 20 {
		require.NotEqual(t, "0", p.sum(t, fmt.Sprint(i)))
	}
}
