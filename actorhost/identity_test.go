package actorhost_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/wire"
)

// TestIdentityInAHeader makes the calls of a program without our client, one after the other, to one counter.
func TestIdentityInAHeader(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	b.Host(counters())
	nc := b.Connect()
	replies, err := nc.SubscribeSync("_INBOX.me.>")
	require.NoError(t, err)
	const plain, named, later = "_INBOX.me.1", "_INBOX.me.id.7.7", "_INBOX.me.id.9.9"
	for _, c := range []struct {
		what          string
		action, reply string
		header        map[string]string
		want          int         // the answer
		code          troupe.Code // or else the error
		arrives       bool        // the reply says so
	}{
		{"a program that knows nothing of it", "add", plain, nil, 1, "", false},
		{"it again: two calls", "add", plain, nil, 2, "", false},
		{"sent again, and nobody knows what", "add", plain, map[string]string{"Troupe-Attempt": "2"}, 0, troupe.CodeOutcomeUnknown, false},
		{"with a request id", "add", plain, map[string]string{"Troupe-Request-Id": "x"}, 3, "", false},
		{"sent again with a request id", "add", plain, map[string]string{"Troupe-Request-Id": "x", "Troupe-Attempt": "2"}, 3, "", false},
		{"by its reply subject", "add", named, nil, 4, "", false},
		{"by both", "add", named, map[string]string{"Troupe-Call": named, "Troupe-Attempt": "2"}, 4, "", true},
		{"by the header", "add", plain, map[string]string{"Troupe-Call": named, "Troupe-Attempt": "3"}, 4, "", false},
		{"in lower case", "add", plain, map[string]string{"troupe-call": named, "troupe-attempt": "3"}, 4, "", false},
		{"another of that caller", "add", plain, map[string]string{"Troupe-Call": "_INBOX.me.id.8.8"}, 5, "", false},
		{"the one before is over", "add", named, map[string]string{"Troupe-Call": "_INBOX.me.id.8.8", "Troupe-Attempt": "2"}, 5, "", false},
		{"no name", "add", plain, map[string]string{"Troupe-Call": "_INBOX.me.8.8"}, 0, troupe.CodeBadInput, false},
		{"an action that fails", "fail", later, map[string]string{"Troupe-Call": later}, 0, troupe.CodeInternal, true},
		{"no action", "none", later, map[string]string{"Troupe-Call": later}, 0, troupe.CodeUnknownAction, true},
	} {
		msg := &nats.Msg{Subject: "troupe.route.counter.a." + c.action, Reply: c.reply, Data: []byte{1}, Header: nats.Header{}}
		for name, value := range c.header {
			msg.Header[name] = []string{value}
		}
		if c.action == "fail" {
			msg.Data = []byte("\xa1x")
		}
		require.NoError(t, nc.PublishMsg(msg))
		reply, err := replies.NextMsg(10 * time.Second)
		require.NoError(t, err, c.what)
		require.Equal(t, c.arrives, wire.FirstHeader(reply.Header, wire.HeaderCall) == wire.SubjectArrives, c.what)
		if c.code != "" {
			failed := wire.DecodeError(reply)
			require.NotNil(t, failed, c.what)
			require.Equal(t, c.code, failed.Code, c.what)
			require.False(t, failed.Retryable, c.what)
			continue
		}
		var got int
		require.NoError(t, wire.DecodeBody(reply, &got), c.what)
		require.Equal(t, c.want, got, c.what)
	}
}

// TestForwardedCallKeepsItsIdentity sends one call often, to hosts of which only one has the actor.
func TestForwardedCallKeepsItsIdentity(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	b.Host(counters())
	ref := troupe.GetOrCreate[counter](b.Client, "a")
	require.NoError(t, call(t.Context(), add, ref, 1))
	for range 3 {
		b.Host(counters())
	}
	nc := b.Connect()
	for attempt := range 40 {
		msg := nats.NewMsg("troupe.route.counter.a.add")
		msg.Data = []byte{1}
		msg.Header.Set("Troupe-Call", "_INBOX.me.id.1.1")
		msg.Header.Set("Troupe-Attempt", fmt.Sprint(attempt+1))
		reply, err := nc.RequestMsg(msg, 10*time.Second)
		require.NoError(t, err)
		if _, pending := wire.PendingAt(reply); !pending { // it is known while its turn ends
			require.Equal(t, []byte{2}, reply.Data)
		}
	}
	value, err := get.Call(t.Context(), ref, nil)
	require.NoError(t, err)
	require.Equal(t, 2, value)
}

// A call from another account is called off by the header.
func TestCancelFromAnotherAccount(t *testing.T) {
	t.Parallel()
	hall := newDeskHall()
	s := topologies["another account"].start(t, hall.actors())
	host := s.host()
	ref := troupe.GetOrCreate[desk](s.client(s.connect(s.callers, "caller"), ""), "a")
	_, first := signed(t, ref, -1)
	<-hall.enter
	cancel, second := signed(t, ref, 2)
	nc := s.connect(s.hosts, "host")
	waiting(t, nc, host, ref.ID(), 1)
	cancel()
	require.ErrorIs(t, <-second, troupe.ErrOutcomeUnknown)
	_, third := signed(t, ref, 3) // it arrives after what calls off the second
	waiting(t, nc, host, ref.ID(), 2)
	hall.leave <- struct{}{}
	require.NoError(t, <-first)
	require.NoError(t, <-third)
	names, err := deskNames.Call(t.Context(), ref, nil)
	require.NoError(t, err)
	require.Equal(t, []int{-1, 3}, names)
}

// bridge takes what is for the namespace far to the hosts. If it changes reply subjects, calls that are sent again arrive by
// the route only.
type bridge struct {
	rewrites, loses atomic.Bool
}

func (br *bridge) start(t *testing.T, nc *nats.Conn) {
	t.Helper()
	_, err := nc.Subscribe("far.>", func(msg *nats.Msg) {
		near := &nats.Msg{Subject: "troupe" + strings.TrimPrefix(msg.Subject, "far"), Reply: msg.Reply, Header: msg.Header, Data: msg.Data}
		if br.rewrites.Load() {
			if strings.HasPrefix(msg.Subject, "far.call.") && msg.Header[wire.HeaderAttempt] != nil {
				return
			}
			near.Reply = nc.NewInbox()
			_, _ = nc.Subscribe(near.Reply, func(reply *nats.Msg) {
				if !br.loses.CompareAndSwap(true, false) {
					reply.Subject = msg.Reply
					_ = nc.PublishMsg(reply)
				}
			})
		}
		_ = nc.PublishMsg(near)
	})
	require.NoError(t, err)
}

// What has let reply subjects alone may begin to change them, and nobody says so.
func TestCallThatWasNotRecognisedIsNotSentAgain(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	b.Host(counters())
	var br bridge
	br.start(t, b.Connect())
	require.NoError(t, call(t.Context(), add, troupe.GetOrCreate[counter](b.Client, "a"), 1)) // it is awake
	ref := troupe.GetOrCreate[counter](b.NewClient(client.Config{Namespace: "far"}), "a")
	require.NoError(t, call(t.Context(), add, ref, 1)) // directly
	br.rewrites.Store(true)
	br.loses.Store(true)
	require.ErrorIs(t, call(t.Context(), add, ref, 1), troupe.ErrOutcomeUnknown)
	for want := 4; want < 6; want++ {
		br.loses.Store(true)
		got, err := add.Call(t.Context(), ref, 1)
		require.NoError(t, err)
		require.Equal(t, want, got, "from now on calls have names")
	}
}
