package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/link"
	"github.com/troupe-go/troupe/internal/rpc"
	"github.com/troupe-go/troupe/internal/wire"
)

// restricted is a server on which ann may use only what is open to her.
func restricted(t *testing.T) (url string) {
	t.Helper()
	open := &server.SubjectPermission{Allow: []string{"open.>", "_INBOX.ann.>"}}
	srv := bustest.Serve(t, &server.Options{Users: []*server.User{
		{Username: "root", Password: "secret"},
		{Username: "ann", Password: "secret", Permissions: &server.Permissions{Publish: open, Subscribe: open}},
	}})
	return srv.ClientURL()
}

func connectAs(t *testing.T, url, user, inboxPrefix string) (nc *nats.Conn, log *bustest.Log) {
	t.Helper()
	log = new(bustest.Log)
	nc, err := bus.Connect(t.Context(), bus.Config{
		URL: url, User: user, Password: "secret", InboxPrefix: inboxPrefix, Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	return nc, log
}

// Every timeout here is so long that the test would fail if it were reached.
const never = 10 * time.Minute

func TestDeniedRequestsFailAtOnce(t *testing.T) {
	t.Parallel()
	url := restricted(t)
	root, _ := connectAs(t, url, "root", "")
	_, err := root.Subscribe("open.>", func(msg *nats.Msg) { _ = msg.Respond([]byte(msg.Subject)) })
	require.NoError(t, err)
	require.NoError(t, root.Flush())

	heard := make(chan error, 1000)
	for name, nc := range map[string]*nats.Conn{
		"of package bus": func() *nats.Conn { nc, _ := connectAs(t, url, "ann", "_INBOX.ann"); return nc }(),
		"of nats.go": func() *nats.Conn {
			nc, err := nats.Connect(url, nats.UserInfo("ann", "secret"), nats.CustomInboxPrefix("_INBOX.ann"),
				nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { heard <- err }))
			require.NoError(t, err)
			t.Cleanup(nc.Close)
			return nc
		}(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var requesters []*rpc.Requester
			for range 2 {
				r, err := rpc.NewRequester(nc)
				require.NoError(t, err)
				requesters = append(requesters, r)
			}
			var callers errgroup.Group
			for caller := range 64 {
				callers.Go(func() error {
					r := requesters[caller%2]
					for i := range 20 {
						if (i+caller)%3 == 0 {
							reply, err := r.Do(t.Context(), &wire.Message{Subject: fmt.Sprintf("open.%d", i)}, never)
							if err != nil || string(reply.Data) != fmt.Sprintf("open.%d", i) {
								return fmt.Errorf("allowed, but %w", err)
							}
							continue
						}
						subject := fmt.Sprintf("closed.%d", i%2)
						_, err := r.Do(t.Context(), &wire.Message{Subject: subject}, never)
						if !errors.Is(err, troupe.ErrDenied) || !errors.Is(err, nats.ErrPermissionViolation) {
							return fmt.Errorf("not denied, but %w", err)
						}
						if want := fmt.Sprintf("denied: NATS does not allow this user to publish to %q", subject); err.Error() != want {
							return fmt.Errorf("not %q, but %w", want, err)
						}
					}
					return nil
				})
			}
			require.NoError(t, callers.Wait())
			for _, r := range requesters {
				require.Zero(t, r.Waiting())
				require.NoError(t, r.Close())
			}
		})
	}
}

func TestDenialsOfOthersFailNobody(t *testing.T) {
	t.Parallel()
	url := restricted(t)
	root, _ := connectAs(t, url, "root", "")
	asked := make(chan *nats.Msg, 1)
	_, err := root.ChanSubscribe("open.slow", asked)
	require.NoError(t, err)
	require.NoError(t, root.Flush())

	nc, log := connectAs(t, url, "ann", "_INBOX.ann")
	r, err := rpc.NewRequester(nc)
	require.NoError(t, err)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 { // callers that give up before the denial arrives
		_, err = r.Do(over, &wire.Message{Subject: "closed.1"}, never)
		require.Error(t, err)
	}
	answered := make(chan error, 1)
	go func() {
		_, err := r.Do(t.Context(), &wire.Message{Subject: "open.slow"}, never)
		answered <- err
	}()
	msg := <-asked
	for _, subject := range []string{"closed.1", "closed.2", "open.slow.closed"} {
		require.NoError(t, nc.Publish(subject, nil))
	}
	_, err = nc.Subscribe("closed.>", func(*nats.Msg) {})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return log.Contains("closed.>") }, 10*time.Second, time.Millisecond,
		"what was sent by nobody who can be told is logged")
	require.True(t, log.Contains("closed.2"))
	require.NoError(t, msg.Respond(nil))
	require.NoError(t, <-answered)
}

func TestDeniedInbox(t *testing.T) {
	t.Parallel()
	nc, _ := connectAs(t, restricted(t), "ann", "_INBOX.bob")
	_, err := rpc.NewRequester(nc)
	require.ErrorIs(t, err, troupe.ErrDenied)
	require.ErrorContains(t, err, "_INBOX.bob.")
}

func TestGuardedSubscriptions(t *testing.T) {
	t.Parallel()
	url := restricted(t)
	for _, given := range []struct {
		subject, queue string
		allowed        bool
	}{
		{"open.a", "", true},
		{"open.*", "", true},
		{"open.>", "group", true},
		{"closed.a", "", false},
		{"closed.*", "group", false},
		{"*.a", "", false},
		{">", "", false},
	} {
		for _, handler := range []string{"ours", "another"} {
			t.Run(given.subject+"/"+handler, func(t *testing.T) {
				t.Parallel()
				nc, log := connectAs(t, url, "ann", "_INBOX.ann")
				if handler == "another" {
					r, err := rpc.NewRequester(nc)
					require.NoError(t, err)
					defer func() { require.NoError(t, r.Close()) }()
					nc.SetErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})
				}
				for range 3 { // an old denial does not hit the next request
					require.NoError(t, nc.Publish("closed.b", nil))
					_, err := nc.Subscribe("closed.b", func(*nats.Msg) {})
					require.NoError(t, err)
					guard := link.GuardSubscription(t.Context(), nc, given.subject)
					sub, err := nc.QueueSubscribe(given.subject, given.queue, func(*nats.Msg) {})
					require.NoError(t, err)
					err = guard.Flush(never)
					require.Equal(t, err, guard.Err())
					guard.End()
					if given.allowed {
						require.NoError(t, err)
						require.NoError(t, sub.Unsubscribe())
						continue
					}
					require.ErrorIs(t, err, troupe.ErrDenied)
					require.ErrorContains(t, err, fmt.Sprintf("subscribe to %q", given.subject))
				}
				require.False(t, log.Contains(fmt.Sprintf(`to \"%s\"`, given.subject)), "it is told once")
			})
		}
	}
}
