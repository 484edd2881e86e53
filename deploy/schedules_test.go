package deploy_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/pause"
)

// scheduling are the rules of deploy/auth.conf that only what is scheduled needs.
func scheduling(rule string) bool {
	return strings.Contains(rule, ".troupe-due") || strings.Contains(rule, ".STREAM.MSG.GET.") && !queueing(rule) || listing(rule)
}

// listing is that with which a host sets alarms again.
func listing(rule string) bool { return rule == "$JS.API.DIRECT.GET.KV_troupe-actors" }

// wakes has a room schedule something, as an actor with an alarm from an earlier life, and waits asleep until it has run.
func (g guarded) wakes(t *testing.T, key string) error {
	t.Helper()
	cl, err := client.New(g.connect(t, "host"), client.Config{Timeout: 5 * time.Second})
	require.NoError(t, err)
	defer func() { require.NoError(t, cl.Close(context.Background())) }()
	lobby := troupe.GetOrCreate[room](cl, "org2", key)
	for _, after := range []time.Duration{time.Hour, time.Second} {
		if _, err := remind.Call(t.Context(), lobby, after); err != nil {
			return err
		}
		if after == time.Hour {
			destroyIt := troupe.NewAction[room, troupe.None, troupe.None](troupe.DestroyAction)
			if _, err := destroyIt.Call(t.Context(), lobby, nil); err != nil {
				return err
			}
		}
	}
	if _, err := troupe.NewAction[room, troupe.None, troupe.None](troupe.SleepAction).Call(t.Context(), lobby, nil); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(t.Context(), wakeTimeout)
	defer cancel()
	for pause.For(ctx, 20*time.Millisecond) {
		listed, err := troupe.SchedulerOf(t.Context(), lobby).Schedules() // does not wake it
		if err != nil || len(listed) == 0 {
			return err
		}
	}
	return errAsleep
}

// startLogging is start for a host that must start, and logs there.
func (g guarded) startLogging(t *testing.T, log io.Writer) {
	t.Helper()
	config := actorhost.Config{Logger: slog.New(slog.NewTextHandler(log, nil))}
	host, err := actorhost.Start(t.Context(), g.connect(t, "host"), config, rooms)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, host.Stop(context.Background())) })
}

const wakeTimeout = 4 * time.Second

var errAsleep = errors.New("it has not run in time")

// Without any one of them a host starts, but what is scheduled does not run, and somebody is told.
func TestSchedulesNeedTheirPermissions(t *testing.T) {
	for i, rule := range hostOf(users(t)).Publish.Allow {
		if !scheduling(rule) {
			continue
		}
		t.Run(rule, func(t *testing.T) {
			options := users(t)
			publish := hostOf(options).Publish
			publish.Allow = append(publish.Allow[:i:i], publish.Allow[i+1:]...)
			g := guard(t, options)
			var logged bustest.Log
			g.startLogging(t, &logged)
			err := g.wakes(t, "a")
			denied := `NATS does not allow this user to publish to "` + strings.TrimRight(rule, "*>")
			switch {
			case strings.HasSuffix(rule, ".DIRECT.GET.troupe-due"): // for alarms that the server has forgotten
				require.NoError(t, err)
			case strings.Contains(rule, ".STREAM.MSG.GET."): // for clusters only
				require.NoError(t, err)
			case listing(rule): // see TestAlarmsAreSetAgain
				require.NoError(t, err)
			case strings.HasPrefix(rule, "$JS.ACK."): // what is not acknowledged comes again
				require.NoError(t, err)
			case errors.Is(err, errAsleep):
				require.Contains(t, strings.ReplaceAll(logged.String(), `\"`, `"`), denied)
			default:
				require.ErrorContains(t, err, denied)
			}
		})
	}
}

// admin returns a connection that may do anything.
func (g guarded) admin(t *testing.T) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(g.connect(t, "admin"))
	require.NoError(t, err)
	return js
}

// A message with these headers removes an alarm, if it comes into the stream of alarms, by whatever subject.
func forged(subject string) *nats.Msg {
	return &nats.Msg{Subject: subject, Data: []byte("1"), Header: nats.Header{
		"Nats-Scheduler": {"troupe.alarm.room.org1.lobby"}, "Nats-Schedule-Next": {"purge"},
	}}
}

func TestClientCannotForgeARing(t *testing.T) {
	options := users(t)
	options.Users = append(options.Users, &server.User{Username: "admin", Password: password})
	g := guard(t, options)
	_, err := g.start(t)
	require.NoError(t, err)
	inside, err := client.New(g.connect(t, "host"), client.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, inside.Close(context.Background())) })
	_, err = remind.Call(t.Context(), troupe.GetOrCreate[room](inside, "org1", "lobby"), time.Hour)
	require.NoError(t, err)

	js := g.admin(t)
	stream, err := js.Stream(t.Context(), "troupe-due")
	require.NoError(t, err)
	alarm, err := stream.GetLastMsgForSubject(t.Context(), "troupe.alarm.room.org1.lobby")
	require.NoError(t, err)
	stands := func() error {
		found, err := stream.GetLastMsgForSubject(t.Context(), alarm.Subject)
		if err == nil {
			require.Equal(t, alarm.Sequence, found.Sequence)
		}
		return err
	}

	// A client may not publish to any subject of the stream.
	nc := g.connect(t, "org1")
	for _, subject := range []string{alarm.Subject, "troupe.due.room.org1.lobby", "troupe.alarm.room.org1.other", "troupe.due.x"} {
		require.ErrorIs(t, g.request(t, "org1", subject), troupe.ErrDenied, subject)
		require.NoError(t, nc.PublishMsg(forged(subject)))
	}
	// Nor can it have the host reply to one, in a message that it has filled with such headers.
	for _, reply := range []string{alarm.Subject, "troupe.due.room.org1.lobby", "$JS.API.STREAM.PURGE.troupe-due"} {
		call := forged("troupe.route.room.org1.lobby.say")
		call.Reply, call.Data = reply, []byte(`"hello"`)
		call.Header.Set("Content-Type", "application/json")
		require.NoError(t, nc.PublishMsg(call))
	}
	require.NoError(t, nc.Flush())
	_, err = say.Call(t.Context(), troupe.GetOrCreate[room](g.client(t, "org1"), "org1", "lobby"), "after all of them")
	require.NoError(t, err)
	require.NoError(t, stands())

	// Whoever may publish there can.
	_, err = js.PublishMsg(t.Context(), forged("troupe.due.room.org1.elsewhere"))
	require.NoError(t, err)
	require.ErrorIs(t, stands(), jetstream.ErrMsgNotFound)
}

// A client schedules only what it has the tokens for.
func TestClientNeedsTheTokensToSchedule(t *testing.T) {
	may := []string{"_schedule", "_unschedule", "_schedules", "_fire"}
	for _, allowed := range []bool{false, true} {
		options := users(t)
		for _, user := range options.Users {
			for _, action := range may {
				if user.Username == "org1" && allowed {
					user.Permissions.Publish.Allow = append(user.Permissions.Publish.Allow,
						"troupe.call.room.org1.*."+action, "troupe.route.room.org1.*."+action)
				}
			}
		}
		g := guard(t, options)
		_, err := g.start(t)
		require.NoError(t, err)
		lobby := troupe.GetOrCreate[room](g.client(t, "org1"), "org1", "lobby")
		_, err = say.Call(t.Context(), lobby, "hello")
		require.NoError(t, err)
		s := troupe.SchedulerOf(t.Context(), lobby)
		_, scheduling := say.After(s, time.Hour, "later", troupe.Named("later"))
		_, listing := s.Schedules()
		_, firing := troupe.NewAction[room, string, bool](troupe.FireAction).Call(t.Context(), lobby, "later")
		_, canceling := s.Unschedule("later")
		for i, err := range []error{scheduling, canceling, listing, firing} {
			if allowed {
				require.NoError(t, err, may[i])
			} else {
				require.ErrorIs(t, err, troupe.ErrDenied, may[i])
			}
		}
	}
}

func TestAlarmsAreSetAgain(t *testing.T) {
	for _, may := range []bool{true, false} {
		options := users(t)
		options.Users = append(options.Users, &server.User{Username: "admin", Password: password})
		if publish := hostOf(options).Publish; !may {
			publish.Allow = slices.DeleteFunc(publish.Allow, listing)
		}
		g := guard(t, options)
		var logged bustest.Log
		g.startLogging(t, &logged)
		inside, err := client.New(g.connect(t, "host"), client.Config{})
		require.NoError(t, err)
		lobby := troupe.GetOrCreate[room](inside, "org1", "lobby")
		_, err = remind.Call(t.Context(), lobby, time.Hour)
		require.NoError(t, err)
		_, err = troupe.NewAction[room, troupe.None, troupe.None](troupe.SleepAction).Call(t.Context(), lobby, nil)
		require.NoError(t, err)
		require.NoError(t, inside.Close(t.Context()))
		js := g.admin(t)
		require.NoError(t, js.DeleteStream(t.Context(), "troupe-due"))
		require.Eventually(t, func() bool {
			if !may {
				return strings.Contains(logged.String(), "setting the alarms of actors again failed")
			}
			stream, err := js.Stream(t.Context(), "troupe-due")
			if err != nil {
				return false
			}
			_, err = stream.GetLastMsgForSubject(t.Context(), "troupe.alarm.room.org1.lobby")
			return err == nil
		}, 30*time.Second, 20*time.Millisecond, "%v: %s", may, &logged)
	}
}
