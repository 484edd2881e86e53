package deploy_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/pause"
)

// queueing are the rules of deploy/auth.conf that only queues need.
func queueing(rule string) bool {
	for _, stream := range []string{"troupe-queue", "troupe-inorder", "troupe-later", "troupe-dead"} {
		if strings.HasSuffix(rule, "."+stream) || strings.Contains(rule, "."+stream+".") {
			return true
		}
	}
	return false
}

// minute is a queue of rooms that is in order.
var minute = troupe.NewQueueInOrder[room, string]("minute")

// posting are rooms with queues. What fails does so twice.
var posting = actorhost.Define(func() roomState { return roomState{} },
	actorhost.OnQueue(post, handlePost, actorhost.Retries{First: 100 * time.Millisecond}),
	actorhost.OnQueue(minute, handlePost, actorhost.Retries{First: 100 * time.Millisecond}),
	actorhost.On(history, actorhost.NoIn(func(s *roomState, _ *actorhost.Context) ([]string, error) { return s.Said, nil })))

func handlePost(s *roomState, c *actorhost.Context, text string) error {
	q, _ := troupe.QueuedOf(c)
	switch {
	case text == "refused":
		return troupe.NewError("refused", "not here")
	case q.Attempt < 2:
		return errors.New("not yet")
	}
	s.Said = append(s.Said, text)
	return nil
}

// startPosting starts a host for rooms with queues.
func (g guarded) startPosting(t *testing.T, log io.Writer) error {
	t.Helper()
	config := actorhost.Config{Logger: slog.New(slog.NewTextHandler(log, nil))}
	host, err := actorhost.Start(t.Context(), g.connect(t, "host"), config, posting)
	if err == nil {
		t.Cleanup(func() { require.NoError(t, host.Stop(context.Background())) })
	}
	return err
}

var errNotSaid = errors.New("nothing was said in time")

// posts pushes to a room as a program of a tenant, and waits until the room has handled it, and has a dead letter.
func (g guarded) posts(t *testing.T) error {
	t.Helper()
	lobby := troupe.GetOrCreate[room](g.client(t, "org1"), "org1", "lobby")
	for _, text := range []string{"hello", "refused"} {
		for _, queue := range []troupe.Queue[room, string]{post, minute} {
			if err := queue.Push(t.Context(), lobby, text); err != nil {
				return err
			}
		}
	}
	watcher, err := jetstream.New(g.connect(t, "watcher"))
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), wakeTimeout)
	defer cancel()
	for pause.For(ctx, 20*time.Millisecond) {
		said, err := history.Call(t.Context(), lobby, nil)
		if err != nil {
			return err
		}
		dead, err := watcher.Stream(t.Context(), "troupe-dead")
		require.NoError(t, err)
		if len(said) > 1 && dead.CachedInfo().State.Msgs > 1 {
			return nil
		}
	}
	return errNotSaid
}

// buries retries and drops dead letters as a program that may.
func (g guarded) buries(t *testing.T) error {
	t.Helper()
	cl, err := client.New(g.connect(t, "host"), client.Config{Timeout: 5 * time.Second})
	require.NoError(t, err)
	defer func() { require.NoError(t, cl.Close(context.Background())) }()
	lobby := troupe.GetOrCreate[room](cl, "org1", "lobby")
	watching := troupe.GetOrCreate[room](g.client(t, "watcher"), "org1", "lobby")
	for letter, err := range post.Dead(t.Context(), watching) {
		require.NoError(t, err)
		found, err := post.Drop(t.Context(), lobby, letter.ID)
		if err != nil {
			return err
		}
		require.True(t, found)
	}
	return nil
}

func TestQueuesWithPermissions(t *testing.T) {
	g := guard(t, users(t))
	var logged bustest.Log
	require.NoError(t, g.startPosting(t, &logged))
	require.NoError(t, g.posts(t))
	require.NoError(t, g.buries(t))
	require.NotContains(t, logged.String(), "NATS does not allow")
}

// Without any one of them, either a host with a queue does not start, or somebody is told what is denied.
func TestQueuesNeedTheirPermissions(t *testing.T) {
	for i, rule := range hostOf(users(t)).Publish.Allow {
		if !queueing(rule) {
			continue
		}
		t.Run(rule, func(t *testing.T) {
			options := users(t)
			publish := hostOf(options).Publish
			publish.Allow = append(publish.Allow[:i:i], publish.Allow[i+1:]...)
			g := guard(t, options)
			var logged bustest.Log
			err := g.startPosting(t, &logged)
			started := err == nil
			if started {
				err = g.posts(t)
			}
			if err == nil {
				err = g.buries(t)
			}
			denied := `NATS does not allow this user to publish to "` + strings.TrimRight(rule, "*>")
			switch {
			case strings.Contains(rule, ".STREAM.MSG.GET."), rule == "$JS.API.STREAM.MSG.DELETE.troupe-queue",
				rule == "$JS.API.STREAM.MSG.DELETE.troupe-later": // for clusters only, and for what a server has left
				require.NoError(t, err)
			case strings.Contains(rule, ".DIRECT.GET.troupe-queue"), strings.Contains(rule, ".DIRECT.GET.troupe-later"):
				require.NoError(t, err) // for what comes again, after a host was lost
			case rule == "$JS.API.STREAM.MSG.DELETE.troupe-inorder" && err == nil: // what is done with holds up what comes after
			case strings.HasPrefix(rule, "$JS.ACK.") && !errors.Is(err, errNotSaid): // what is not acknowledged comes again
				require.NoError(t, err)
			case errors.Is(err, errNotSaid):
				require.Contains(t, strings.ReplaceAll(logged.String(), `\"`, `"`), denied)
			default:
				require.ErrorContains(t, err, denied)
				require.True(t, started || errors.Is(err, troupe.ErrDenied), "%v", err)
			}
		})
	}
}

// A message with headers of a schedule removes one that waits, if it comes into its stream, by whatever subject.
func TestClientCannotTakeAwayWhatWaits(t *testing.T) {
	options := users(t)
	options.Users = append(options.Users, &server.User{Username: "admin", Password: password})
	g := guard(t, options)
	require.NoError(t, g.startPosting(t, io.Discard))
	lobby := troupe.GetOrCreate[room](g.client(t, "org1"), "org1", "lobby")
	require.NoError(t, post.Push(t.Context(), lobby, "later", troupe.NotBefore(time.Now().Add(time.Hour))))
	stream, err := g.admin(t).Stream(t.Context(), "troupe-later")
	require.NoError(t, err)
	var waits *jetstream.RawStreamMsg
	require.Eventually(t, func() bool {
		waits, err = stream.GetLastMsgForSubject(t.Context(), "troupe.later.room.org1.lobby.post.*")
		return err == nil
	}, 10*time.Second, 10*time.Millisecond)
	stands := func() error {
		_, err := stream.GetLastMsgForSubject(t.Context(), waits.Subject)
		return err
	}
	nc := g.connect(t, "org1")
	ripe := strings.Replace(waits.Subject, ".later.", ".ripe.", 1)
	for _, subject := range []string{waits.Subject, ripe, "troupe.later.room.org1.lobby.post.x"} {
		require.ErrorIs(t, g.request(t, "org1", subject), troupe.ErrDenied, subject)
		forgery := forged(subject)
		forgery.Header.Set("Nats-Scheduler", waits.Subject)
		require.NoError(t, nc.PublishMsg(forgery))
	}
	// Into the stream that it may push to it brings no schedule, and none of its headers leaves that for the other.
	for _, headers := range []map[string]string{
		{"Nats-Scheduler": waits.Subject, "Nats-Schedule-Next": "purge"},
		{"Nats-Schedule": "@at 2020-01-01T00:00:00Z", "Nats-Schedule-Target": ripe},
		{"Nats-Rollup": "all"},
	} {
		forgery := forged("troupe.queue.room.org1.lobby.post")
		clear(forgery.Header)
		for name, value := range headers {
			forgery.Header.Set(name, value)
		}
		forgery.Header.Set("Troupe-Not-Before", time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
		require.NoError(t, nc.PublishMsg(forgery))
	}
	require.NoError(t, nc.Flush())
	require.NoError(t, post.Push(t.Context(), lobby, "after all of them"))
	require.Eventually(t, func() bool {
		said, err := history.Call(t.Context(), lobby, nil)
		return err == nil && len(said) > 0
	}, 10*time.Second, 10*time.Millisecond)
	require.NoError(t, stands())

	// Whoever may publish there can.
	forgery := forged(strings.Replace(ripe, ".lobby.", ".elsewhere.", 1))
	forgery.Header.Set("Nats-Scheduler", waits.Subject)
	_, err = g.admin(t).PublishMsg(t.Context(), forgery)
	require.NoError(t, err)
	require.ErrorIs(t, stands(), jetstream.ErrMsgNotFound)
}
