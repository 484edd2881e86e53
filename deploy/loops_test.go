package deploy_test

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/bustest"
)

// A sentry stands guard in its loop, and tells of each of its lives.
type sentry struct{ troupe.Ref }

func (sentry) ActorType() string { return "sentry" }

var stand = troupe.NewAction[sentry, troupe.None, troupe.None]("stand")

func sentries(lives chan<- string) actorhost.Definition {
	return actorhost.Define(func() struct{} { return struct{}{} },
		actorhost.On(stand, func(*struct{}, *actorhost.Context, troupe.None) (troupe.None, error) { return nil, nil }),
	).Loop(func(l *actorhost.Loop[struct{}]) error {
		for l.Pause(2 * time.Second) { // an alarm wakes it
			if err := l.Turn(func(_ *struct{}, c *actorhost.Context) error { lives <- c.HostID(); return nil }); err != nil {
				return err
			}
		}
		return nil
	}).Config(actorhost.TypeConfig{SleepAfter: time.Second})
}

func (g guarded) startSentries(t *testing.T, lives chan<- string, log io.Writer) (*actorhost.Host, func(), error) {
	t.Helper()
	nc := g.connect(t, "host")
	host, err := actorhost.Start(t.Context(), nc, actorhost.Config{Logger: slog.New(slog.NewTextHandler(log, nil))}, sentries(lives))
	if err == nil {
		t.Cleanup(func() { _ = host.Stop(context.Background()) })
	}
	return host, nc.Close, err
}

// TestLoopsWithThesePermissions has a loop pause, and come back when its host is gone, with nothing denied.
func TestLoopsWithThesePermissions(t *testing.T) {
	g := guard(t, users(t))
	lives := make(chan string, 1000)
	var log bustest.Log
	first, kill, err := g.startSentries(t, lives, &log)
	require.NoError(t, err)
	cl, err := client.New(g.connect(t, "host"), client.Config{Timeout: 5 * time.Second})
	require.NoError(t, err)
	defer func() { require.NoError(t, cl.Close(context.Background())) }()
	_, err = stand.Call(t.Context(), troupe.GetOrCreate[sentry](cl, "gate"), nil)
	require.NoError(t, err)
	for range 2 {
		require.Equal(t, first.ID(), <-lives)
	}
	second, _, err := g.startSentries(t, lives, io.Discard)
	require.NoError(t, err)
	kill()
	for id := ""; id != second.ID(); {
		select {
		case id = <-lives:
		case <-time.After(time.Minute):
			t.Fatal("it does not come back")
		}
	}
	require.False(t, log.Contains("denied"), log.String())
}

// TestLoopsNeedTheIndex says at the start what a host with loops lacks.
func TestLoopsNeedTheIndex(t *testing.T) {
	options := users(t)
	for _, user := range options.Users {
		if user.Username == "host" {
			allowed := user.Permissions.Publish.Allow[:0]
			for _, rule := range user.Permissions.Publish.Allow {
				if !strings.Contains(rule, "troupe-subscriptions") {
					allowed = append(allowed, rule)
				}
			}
			user.Permissions.Publish.Allow = allowed
		}
	}
	_, _, err := guard(t, options).startSentries(t, nil, io.Discard)
	require.ErrorIs(t, err, troupe.ErrDenied)
	require.ErrorContains(t, err, "troupe-subscriptions")
}
