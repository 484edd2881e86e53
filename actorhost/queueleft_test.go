package actorhost_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/wire"
)

// TestMessageThatIsAckedAndLeft has the server count messages as acked that are in their stream: as one that is killed when it takes an
// ack does, or one that has lost the end of a stream and what it knows of its consumer not.
func TestMessageThatIsAckedAndLeft(t *testing.T) {
	for name, test := range map[string]struct {
		age     time.Duration
		handled int
	}{"they may not have been handled": {time.Minute, 4}, "they have been for long": {time.Hour, 2}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := hosttest.Start(t)
				var logged bustest.Log
				config := actorhost.Config{Logger: slog.New(slog.NewTextHandler(&logged, nil))}
				ref := troupe.GetOrCreate[Sorter](b.Client, "main")
				host := b.HostWith(config, sorterType())
				require.NoError(t, Sort.Push(t.Context(), ref, letter{Text: "known"}, troupe.PushID("1")))
				advance(time.Second)
				b.Stop(host)
				require.NoError(t, Sort.Push(t.Context(), ref, letter{Text: "known"}, troupe.PushID("1")))
				for i := range 2 {
					require.NoError(t, Sort.Push(t.Context(), ref, letter{Text: fmt.Sprint(i)}))
				}
				reset(t, b, "queue-sorter", 5)
				advance(test.age)
				b.HostWith(config, sorterType())
				require.NoError(t, Sort.Push(t.Context(), ref, letter{Text: "new"}))
				advance(time.Minute)
				all := readSorted(t, ref)
				require.Len(t, all, test.handled)
				require.Equal(t, "known", all[0].Text)
				require.Equal(t, "new", all[1].Text)
				js, err := jetstream.New(b.Connect())
				require.NoError(t, err)
				stream, err := js.Stream(context.WithoutCancel(t.Context()), "troupe-queue")
				require.NoError(t, err)
				require.Zero(t, stream.CachedInfo().State.Msgs)
				require.Contains(t, logged.String(), "messages=3")
			})
		})
	}
}

// reset has a consumer of the stream of messages begin at a sequence: what is before it counts as acked.
func reset(t *testing.T, b *hosttest.Bus, consumer string, sequence int) {
	t.Helper()
	reply, err := b.Connect().Request("$JS.API.CONSUMER.RESET.troupe-queue."+consumer, fmt.Appendf(nil, `{"seq":%d}`, sequence), 10*time.Second)
	require.NoError(t, err)
	require.NotContains(t, string(reply.Data), "error")
}

// TestMessageIsNotWhereItWaitedBefore has the stream show a message where it waited before, as a server does that was away and does not
// know yet that another leads. In the end it is not there, as for one that knows.
func TestMessageIsNotWhereItWaitedBefore(t *testing.T) {
	for name, twice := range map[string]bool{"it fails": false, "it has waited, and comes again": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := hosttest.Start(t)
				host := b.Host(sorterType())
				advance(time.Second)
				b.Stop(host)
				ref, ctx := troupe.GetOrCreate[Sorter](b.Client, "main"), context.WithoutCancel(t.Context())
				js, err := jetstream.New(b.Connect())
				require.NoError(t, err)
				header := nats.Header{
					wire.HeaderPushed: {time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)}, wire.HeaderNotBefore: {time.Now().UTC().Format(time.RFC3339)},
				}
				tokens := "sorter.main.sort." + wire.NamedMessage("1")
				before := &nats.Msg{Subject: "troupe.later." + tokens, Header: header}
				_, err = js.PublishMsg(ctx, before)
				require.NoError(t, err)
				if twice {
					_, err = js.PublishMsg(ctx, &nats.Msg{Subject: "troupe.ripe." + tokens, Header: header, Data: []byte(`{"Text":"1"}`)})
					require.NoError(t, err)
					consumer, err := js.Consumer(ctx, "troupe-later", "ripe-sorter")
					require.NoError(t, err)
					batch, err := consumer.Fetch(1) // by a host that dies
					require.NoError(t, err)
					require.NotNil(t, <-batch.Messages())
				} else {
					require.NoError(t, Sort.Push(ctx, ref, letter{Text: "1", Fail: 1}, troupe.PushID("1")))
				}
				b.Host(sorterType())
				advance(5 * time.Second)
				stream, err := js.Stream(ctx, "troupe-later")
				require.NoError(t, err)
				require.NoError(t, stream.Purge(ctx, jetstream.WithPurgeSubject(before.Subject)))
				advance(10 * time.Second)
				require.Len(t, readSorted(t, ref), 1)
			})
		})
	}
}
