package presence_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost/internal/presence"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/bustest"
)

// TestSilentClients has many clients fall silent, and one that is gone for certain: each is found in time, and those that answer
// stay.
func TestSilentClients(t *testing.T) {
	bustest.DropTimers(t)
	synctest.Test(t, func(t *testing.T) {
		const silent, there = 2000, 100
		nc := bustest.Connect(t)
		p := join(t, nc, func(context.Context) error { return nil })
		var mu sync.Mutex
		gone := make(map[string]time.Duration)
		began := time.Now()
		clients := presence.NewClients(p, func(id string) string { return id }, func(id string) {
			mu.Lock()
			defer mu.Unlock()
			if _, known := gone[id]; !known {
				gone[id] = time.Since(began)
			}
		})
		ctx, cancel := context.WithCancel(t.Context())
		var watching sync.WaitGroup
		watching.Go(func() { clients.Watch(ctx) })
		for i := range silent {
			_, err := nc.Subscribe(fmt.Sprintf("silent%d._ping", i), func(*nats.Msg) {})
			require.NoError(t, err)
			clients.Add(fmt.Sprintf("silent%d", i), fmt.Sprintf("s%d", i))
		}
		pings := make(map[string]int) // by client
		for i := range there {
			_, err := nc.Subscribe(fmt.Sprintf("there%d._ping", i), func(msg *nats.Msg) {
				mu.Lock()
				defer mu.Unlock()
				pings[msg.Subject]++
				require.NoError(t, msg.Respond(nil))
			})
			require.NoError(t, err)
			clients.Add(fmt.Sprintf("there%d", i), fmt.Sprintf("t%d", i))
		}
		clients.Add("nobody", "nobody")
		time.Sleep(15 * time.Second) //nolint:forbidigo // virtual time
		mu.Lock()
		require.Len(t, gone, silent+1)
		require.Contains(t, gone, "nobody")
		mu.Unlock()
		time.Sleep(45 * time.Second) //nolint:forbidigo // virtual time
		cancel()
		watching.Wait()
		mu.Lock() // one more ping may be on its way
		defer mu.Unlock()
		require.Len(t, gone, silent+1)
		for who, n := range pings {
			require.InDelta(t, 12, n, 1, who)
		}
	})
}

// TestPingsAreAnsweredForOneself: with the subjects to which it answers its own pings, a client cannot answer those of another.
func TestPingsAreAnsweredForOneself(t *testing.T) {
	bustest.DropTimers(t)
	synctest.Test(t, func(t *testing.T) {
		nc := bustest.Connect(t)
		p := join(t, nc, func(context.Context) error { return nil })
		gone := make(chan string, 100)
		clients := presence.NewClients(p, func(id string) string { return id }, func(id string) { gone <- id })
		ctx, cancel := context.WithCancel(t.Context())
		var watching sync.WaitGroup
		watching.Go(func() { clients.Watch(ctx) })
		clients.Add("mine", "1")
		clients.Add("other", "2")
		var seen []string
		_, err := nc.Subscribe("mine._ping", func(msg *nats.Msg) {
			seen = append(seen, msg.Reply)
			all, err := codec.MsgPack.Append(nil, []string{"1", "2"})
			require.NoError(t, err)
			for _, reply := range seen { // its own, and what were others' perhaps
				require.NoError(t, nc.Publish(reply, all))
			}
		})
		require.NoError(t, err)
		time.Sleep(17 * time.Second) //nolint:forbidigo // virtual time; not as a ping is sent
		cancel()
		watching.Wait()
		close(gone)
		ended := make(map[string]int)
		for id := range gone {
			ended[id]++
		}
		require.Equal(t, len(seen), ended["1"], "one answer to each ping counts")
		require.NotZero(t, ended["2"], "it has not answered")
		prefix := seen[0][:strings.LastIndexByte(seen[0], '.')]
		for _, reply := range seen[1:] {
			require.True(t, strings.HasPrefix(reply, prefix))
			require.NotEqual(t, seen[0], reply)
			require.GreaterOrEqual(t, len(reply)-len(prefix), 26)
		}
	})
}
