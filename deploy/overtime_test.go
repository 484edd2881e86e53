package deploy_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/bustest"
)

// overTime is longer than anything that hosts, clients or servers wait for, but for what JetStream keeps.
const overTime = time.Hour

// hall is a server with the users of deploy/auth.conf in a bubble, with a host, and what NATS has denied to anybody.
type hall struct {
	t      *testing.T
	server *server.Server
	as     func(user string) []nats.Option
	logged bustest.Log

	violations violations
	mu         sync.Mutex
	denied     []string
}

// violations is a log of a server that keeps what it has denied.
type violations struct{ bustest.Log }

func (v *violations) Errorf(format string, args ...any) {
	if strings.Contains(format, "Violation") {
		fmt.Fprintf(&v.Log, format+"\n", args...)
	}
}
func (*violations) Noticef(string, ...any) {}
func (*violations) Warnf(string, ...any)   {}
func (*violations) Fatalf(string, ...any)  {}
func (*violations) Debugf(string, ...any)  {}
func (*violations) Tracef(string, ...any)  {}

// inVirtualTime runs a test in a bubble. Only one at a time may do so: it is not parallel.
func inVirtualTime(t *testing.T, test func(h *hall)) {
	t.Helper()
	options := users(t)
	addMute(options)
	for _, user := range options.Users {
		user.AllowedConnectionTypes = nil // a page has no WebSocket in here
	}
	inBubble(t, options, func(user string) []nats.Option {
		return []nats.Option{nats.UserInfo(user, password), nats.CustomInboxPrefix("_INBOX." + user)}
	}, test)
}

// addMute adds a program of a tenant that can neither answer pings nor ask hosts.
func addMute(options *server.Options) {
	mute := *userOf(options, "org1").Permissions
	mute.Response = nil
	mute.Subscribe = &server.SubjectPermission{Allow: append(slices.Clone(mute.Subscribe.Allow), "_INBOX.mute.>")}
	mute.Publish = &server.SubjectPermission{Allow: append(slices.DeleteFunc(slices.Clone(mute.Publish.Allow), func(rule string) bool {
		return strings.HasSuffix(rule, ".ping")
	}), "troupe.call.room.org1.*.ponder", "troupe.route.room.org1.*.ponder")}
	options.Users = append(options.Users, &server.User{Username: "mute", Password: password, Permissions: &mute})
}

// inBubble runs a test on a server in virtual time, whose users connect with options.
func inBubble(t *testing.T, options *server.Options, as func(user string) []nats.Option, test func(h *hall)) {
	t.Helper()
	options.StoreDir = t.TempDir()
	bustest.DropTimers(t)
	synctest.Test(t, func(t *testing.T) {
		options.DontListen, options.NoSigs, options.NoLog, options.JetStream = true, true, true, true
		options.NoSublistCache = true
		srv, err := server.NewServer(options)
		require.NoError(t, err)
		h := &hall{t: t, server: srv, as: as}
		srv.SetLoggerV2(&h.violations, false, false, false)
		srv.Start()
		t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
		require.True(t, srv.ReadyForConnections(time.Minute))
		host, err := actorhost.Start(t.Context(), h.connect("host"), actorhost.Config{Logger: h.logger()}, furnished)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, host.Stop(context.Background())) })
		test(h)
	})
}

func (h *hall) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(&h.logged, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

func (h *hall) connect(user string) *nats.Conn {
	h.t.Helper()
	nc, err := nats.Connect("", append(h.as(user), nats.InProcessServer(h.server),
		nats.MaxReconnects(-1), nats.ReconnectBufSize(-1), nats.SkipSubjectValidation(),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.denied = append(h.denied, user+": "+err.Error())
		}))...)
	require.NoError(h.t, err)
	h.t.Cleanup(nc.Close)
	return nc
}

func (h *hall) client(user string) *client.Client {
	h.t.Helper()
	cl, err := client.New(h.connect(user), client.Config{Logger: h.logger()})
	require.NoError(h.t, err)
	h.t.Cleanup(func() { require.NoError(h.t, cl.Close(context.Background())) })
	return cl
}

// nothingDenied fails if NATS has not allowed something.
func (h *hall) nothingDenied() {
	h.t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	require.Empty(h.t, h.denied)
	for line := range strings.Lines(h.violations.String()) {
		// Not every program may ask a host that answers late, send it batches, or hear of lost events at once.
		require.Regexp(h.t, `troupe\.host\.[^.]+\.(ping|batch)|troupe\.replaced\.actors`, line)
	}
	require.Empty(h.t, h.logged.String())
}

// pass lets time pass.
func pass(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // virtual time

// visitor is a program of a tenant that is connected with a room, and subscribed to it.
type visitor struct {
	client       *client.Client
	room         room
	connection   *troupe.Connection[room]
	heard, lived chan string
	changes      chan troupe.StatusChange
}

func (h *hall) visit(user string) *visitor {
	h.t.Helper()
	return h.visitRoom(user, "org1", user)
}

func (h *hall) visitRoom(user string, key ...string) *visitor {
	h.t.Helper()
	v := &visitor{
		client: h.client(user), heard: make(chan string, 8), lived: make(chan string, 8), changes: make(chan troupe.StatusChange, 1000),
	}
	v.room = troupe.GetOrCreate[room](v.client, key...)
	var err error
	v.connection, err = enter.Connect(h.t.Context(), v.room, nil,
		said.On(func(_ context.Context, text string) error { v.lived <- text; return nil }),
		troupe.OnStatus(func(change troupe.StatusChange) { v.changes <- change }))
	require.NoError(h.t, err)
	_, err = said.Subscribe(h.t.Context(), v.room, func(_ context.Context, text string) error { v.heard <- text; return nil })
	require.NoError(h.t, err)
	return v
}

// speak says something by the connection, which must be as it was.
func (v *visitor) speak(t *testing.T, text string) {
	t.Helper()
	require.Equal(t, troupe.StatusConnected, v.connection.Status())
	_, err := say.Call(t.Context(), v.connection.Actor(), text)
	require.NoError(t, err)
	require.Equal(t, text, <-v.heard)
	require.Equal(t, text, <-v.lived)
	require.Empty(t, v.changes)
}

// TestRolesOverTime has each user of deploy/auth.conf do what it may, again after an hour in which most of them are silent.
func TestRolesOverTime(t *testing.T) {
	inVirtualTime(t, func(h *hall) {
		t := h.t
		inside := h.client("host")
		program, page := h.visit("org1"), h.visit("page")
		watched := troupe.GetOrCreate[room](h.client("watcher"), "org2", "a")
		for hour := range 2 {
			text := strconv.Itoa(hour)
			for _, v := range []*visitor{program, page} {
				v.speak(t, text)
			}
			h.push(program, text)
			h.give(program.client, text)
			h.hostDoes(inside, text)
			require.Equal(t, hour+1, h.replayed(watched))
			pass(overTime)
		}
		for _, v := range []*visitor{program, page} {
			v.speak(t, "at last")
			require.NoError(t, v.connection.Close(t.Context()))
		}
		h.nothingDenied()
	})
}

// push pushes two messages, of which one has to wait longer than any connection may be silent.
func (h *hall) push(v *visitor, text string) {
	h.t.Helper()
	require.NoError(h.t, post.Push(h.t.Context(), v.room, text+" posted"))
	require.NoError(h.t, post.Push(h.t.Context(), v.room, text+" posted later", troupe.NotBefore(time.Now().Add(overTime/2))))
	for _, want := range []string{text + " posted", text + " posted later"} {
		require.Equal(h.t, want, <-v.heard)
		require.Equal(h.t, want, <-v.lived)
	}
}

// give starts a workflow, waits, and sends it what it waits for.
func (h *hall) give(cl *client.Client, key string) {
	h.t.Helper()
	to := troupe.GetOrCreate[room](cl, "org1", "wedding"+key)
	require.NoError(h.t, invite.Start(h.t.Context(), to, "ann"))
	pass(overTime / 2)
	require.NoError(h.t, accepted.Send(h.t.Context(), to, true))
	_, err := invite.Result(h.t.Context(), to)
	require.NoError(h.t, err)
}

// hostDoes has actors subscribe, follow and schedule.
func (h *hall) hostDoes(inside *client.Client, key string) {
	h.t.Helper()
	a, b := troupe.GetOrCreate[room](inside, "org2", "a"), troupe.GetOrCreate[room](inside, "org2", "b"+key)
	for _, listen := range []troupe.Action[room, []string, troupe.None]{attend, follow} {
		_, err := listen.Call(h.t.Context(), b, []string{"org2", "a"})
		require.NoError(h.t, err)
	}
	_, err := remind.Call(h.t.Context(), b, overTime/2)
	require.NoError(h.t, err)
	_, err = note.Call(h.t.Context(), a, "milk")
	require.NoError(h.t, err)
	pass(overTime/2 + time.Minute)
	got, err := history.Call(h.t.Context(), b, nil)
	require.NoError(h.t, err)
	require.Equal(h.t, []string{"noted: milk", "in time"}, got)
}

func (h *hall) replayed(of room) (events int) {
	h.t.Helper()
	for _, err := range noted.Replay(h.t.Context(), of, troupe.ReplayStart{}) {
		require.NoError(h.t, err)
		events++
	}
	return events
}

// TestConnectionsNeedToAnswer takes from a program what lets it answer pings.
func TestConnectionsNeedToAnswer(t *testing.T) {
	inVirtualTime(t, func(h *hall) {
		t := h.t
		v := h.visit("mute")
		pass((15 + 2) * time.Second)
		require.NotEmpty(t, v.changes, "the actor knows within 15 s, and a program asks its host every 2 s")
		require.NoError(t, v.connection.Close(t.Context()))
	})
}

// TestClientsDoNotInsist counts how often a program asks whether a host is there that it must not ask, while a call waits.
func TestClientsDoNotInsist(t *testing.T) {
	inVirtualTime(t, func(h *hall) {
		t := h.t
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err := ponder.Call(ctx, troupe.GetOrCreate[room](h.client("mute"), "org1", "study"), 10*time.Minute)
		require.NoError(t, err)
		asked := strings.Count(h.violations.String(), ".ping")
		require.Positive(t, asked)
		require.LessOrEqual(t, asked, 11)
	})
}
