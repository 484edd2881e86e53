package actorhost_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
)

// batch is a batch as docs/protocol.md has it.
func batch(messages ...nats.Msg) []byte {
	text := func(to []byte, text string) []byte {
		return append(binary.AppendUvarint(to, uint64(len(text))), text...)
	}
	out := []byte{byte(len(messages))}
	for _, m := range messages {
		out = binary.AppendUvarint(text(text(out, m.Subject), m.Reply), uint64(len(m.Header)))
		for key, values := range m.Header {
			out = text(text(out, key), values[0])
		}
		out = text(out, string(m.Data))
	}
	return out
}

// keepCalling has many calls of counters on their way until it is told to stop, which returns how many there were.
func keepCalling(t *testing.T, c troupe.Caller) (stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	var callers errgroup.Group
	var calls atomic.Int64
	for i := range 64 {
		callers.Go(func() error {
			ref := troupe.GetOrCreate[counter](c, fmt.Sprint(i%8))
			for n := 0; ctx.Err() == nil; n++ {
				if n%10 == 9 {
					if err := call(context.WithoutCancel(ctx), fail, ref, "user"); !errors.Is(err, errRefused) {
						return fmt.Errorf("an action that fails was answered with %w", err)
					}
				}
				if _, err := add.Call(context.WithoutCancel(ctx), ref, 1); err != nil {
					return err
				}
				calls.Add(1)
			}
			return nil
		})
	}
	return func() int {
		cancel()
		require.NoError(t, callers.Wait())
		return int(calls.Load())
	}
}

// awaitBatch waits for a batch on a subscription.
func awaitBatch(t *testing.T, sub *nats.Subscription) {
	t.Helper()
	require.Eventually(t, func() bool {
		msg, err := sub.NextMsg(10 * time.Second)
		return err == nil && len(msg.Data) > 0
	}, 30*time.Second, time.Microsecond)
}

func TestCallsAndRepliesTravelTogether(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	first := b.Host(counters())
	nc := b.Connect()
	calls, err := nc.SubscribeSync("troupe.host.*.batch")
	require.NoError(t, err)
	replies, err := nc.SubscribeSync("_INBOX.*.many.replies.*")
	require.NoError(t, err)
	require.NoError(t, nc.Flush())
	stop := keepCalling(t, b.Client)
	awaitBatch(t, replies)
	awaitBatch(t, calls)
	b.Host(counters())
	b.Stop(first) // what is on its way to it goes to the other
	require.NoError(t, calls.Unsubscribe())
	calls, err = nc.SubscribeSync("troupe.host.*.batch")
	require.NoError(t, err)
	require.NoError(t, nc.Flush())
	awaitBatch(t, calls)
	made, sum := stop(), 0
	for i := range 8 {
		value, err := get.Call(t.Context(), troupe.GetOrCreate[counter](b.Client, fmt.Sprint(i)), nil)
		require.NoError(t, err)
		sum += value
	}
	require.Equal(t, made, sum)
}

func TestBatchIsNoWayAroundPermissions(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	host := b.Host(counters())
	nc := b.Connect()
	subject := "troupe.host." + host.ID() + ".batch"
	answer, err := nc.Request(subject, nil, 10*time.Second)
	require.NoError(t, err)
	require.Equal(t, subject, string(answer.Data))
	require.Empty(t, answer.Header)
	answer, err = nc.Request(subject, []byte("no batch"), 10*time.Second)
	require.NoError(t, err)
	require.Equal(t, "bad_input", answer.Header.Get("Troupe-Error-Code"))

	answers, err := nc.SubscribeSync("_INBOX.me.*")
	require.NoError(t, err)
	victim, err := nc.SubscribeSync("$FORGED.api")
	require.NoError(t, err)
	asked := func(name, subject string) nats.Msg { return nats.Msg{Subject: subject, Reply: "_INBOX.me." + name} }
	messages := []nats.Msg{
		asked("drain", "troupe.host."+host.ID()+".drain"),
		asked("batch", subject),
		{
			Subject: "troupe.host." + host.ID() + ".call.counter.a.add", Reply: "_INBOX.me.forward",
			Header: nats.Header{"Troupe-Reply-To": {"$FORGED.api"}}, Data: []byte{100},
		},
		asked("event", "troupe.event.counter.a.added"),
		{Subject: "troupe.route.counter.a.add", Reply: "$FORGED.api", Data: []byte{10}},
		{Subject: "troupe.route.counter.a.add", Reply: "_INBOX.me.json", Header: nats.Header{"Content-Type": {"application/json"}}, Data: []byte("1")},
		{Subject: "troupe.call.counter.a.add", Reply: "_INBOX.me.packed", Data: []byte{2}},
		asked("get", "troupe.call.counter.a.get"),
	}
	require.NoError(t, nc.Publish(subject, batch(messages...)))
	got := make(map[string]string)
	for range 7 {
		msg, err := answers.NextMsg(10 * time.Second)
		require.NoError(t, err)
		got[msg.Subject] = msg.Header.Get("Troupe-Error-Code") + string(msg.Data)
		if msg.Header.Get("Troupe-Error-Code") != "" {
			got[msg.Subject] = msg.Header.Get("Troupe-Error-Code")
		}
	}
	require.Equal(t, map[string]string{
		"_INBOX.me.drain": "bad_input", "_INBOX.me.batch": "bad_input", "_INBOX.me.forward": "bad_input", "_INBOX.me.event": "bad_input",
		"_INBOX.me.json": "1", "_INBOX.me.packed": "\x03", "_INBOX.me.get": "\x03",
	}, got)
	pending, _, err := victim.Pending()
	require.NoError(t, err)
	require.Zero(t, pending)
}
