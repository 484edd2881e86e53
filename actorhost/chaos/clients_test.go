//go:build chaos && unix

package chaos_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/codec"
)

const (
	callers     = 8
	actors      = 4               // of each type at a time
	generation  = 4 * time.Second // after which there are others, so that histories are short enough to be checked
	callTimeout = 5 * time.Second
	betweenCall = 4 * time.Millisecond // at most
)

// caller is one client: it makes one call at a time over its own connection.
type caller struct {
	number     int
	bus        *client.Client
	nc         *nats.Conn
	random     *rand.Rand
	began      time.Time
	generation time.Duration
	history    *history
	puts       int
}

func newCaller(t *testing.T, url string, number int, seed uint64, h *history, began time.Time) *caller {
	t.Helper()
	nc, err := bus.Connect(t.Context(), bus.Config{URL: url, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	c, err := client.New(nc, client.Config{})
	require.NoError(t, err)
	return &caller{number: number, bus: c, nc: nc, random: rand.New(rand.NewPCG(seed, uint64(number))), began: began, history: h}
}

// run calls until ctx is done.
func (c *caller) run(ctx context.Context) {
	for ctx.Err() == nil {
		key := fmt.Sprintf("%d-%d", time.Since(c.began)/c.generation, c.random.IntN(actors))
		switch c.random.IntN(6) {
		case 0:
			v := c.random.IntN(1_000_000)
			c.do(operation{Actor: "register/" + key, Action: "write", Input: v}, func(ctx context.Context, o *operation) error {
				_, err := write.Call(ctx, troupe.GetOrCreate[register](c.bus, key), v)
				return err
			})
		case 1:
			c.do(operation{Actor: "register/" + key, Action: "read"}, func(ctx context.Context, o *operation) (err error) {
				o.Output, err = read.Call(ctx, troupe.GetOrCreate[register](c.bus, key), nil)
				return err
			})
		case 2:
			c.do(operation{Actor: "counter/" + key, Action: "add", Input: 1 + c.random.IntN(9)}, func(ctx context.Context, o *operation) (err error) {
				o.Output, err = add.Call(ctx, troupe.GetOrCreate[counter](c.bus, key), o.Input)
				return err
			})
		case 3:
			c.do(operation{Actor: "counter/" + key, Action: "count"}, func(ctx context.Context, o *operation) (err error) {
				o.Output, err = count.Call(ctx, troupe.GetOrCreate[counter](c.bus, key), nil)
				return err
			})
		default:
			c.put(key)
		}
		// Calls come at irregular times, and leave the machine something for the hosts.
		time.Sleep(time.Duration(c.random.Int64N(int64(betweenCall))))
	}
}

// listen notes what lists broadcast.
func (c *caller) listen(t *testing.T) {
	t.Helper()
	_, err := c.nc.Subscribe("troupe.event.list.*.added", func(msg *nats.Msg) {
		var p place
		if err := codec.MsgPack.Unmarshal(msg.Data, &p); err != nil {
			p = place{"what cannot be decoded", 0}
		}
		now := int64(time.Since(c.began))
		key := strings.Split(msg.Subject, ".")[3]
		c.history.add(operation{Actor: "list/" + key, Action: "added", Item: p.Item, Output: p.At, Began: now, Ended: now, Outcome: event})
	})
	require.NoError(t, err)
}

// put puts a new item into a list, sometimes with an id of its own, by which it asks again when it was not answered: so
// seldom that a list has fewer of them meanwhile than the 64 that it remembers.
func (c *caller) put(key string) {
	c.puts++
	item := fmt.Sprintf("%d.%d", c.number, c.puts)
	given := c.random.IntN(8) == 0
	c.do(operation{Actor: "list/" + key, Action: "put", Item: item}, func(ctx context.Context, o *operation) (err error) {
		if given {
			ctx = troupe.WithRequestID(ctx, fmt.Sprintf("chaos-%s", item))
		}
		unsure := error(nil)
		for range 3 {
			one, cancel := context.WithTimeout(ctx, callTimeout/3)
			o.Output, err = put.Call(one, troupe.GetOrCreate[list](c.bus, key), item)
			cancel()
			if !given || err == nil {
				return err
			}
			if errors.Is(err, troupe.ErrOutcomeUnknown) {
				unsure = err
			}
		}
		return cmp.Or(unsure, err)
	})
}

// do makes a call and notes how it has ended.
func (c *caller) do(o operation, call func(context.Context, *operation) error) {
	o.Client, o.Began = c.number, int64(time.Since(c.began))
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	err := call(ctx, &o)
	o.Ended, o.Outcome = int64(time.Since(c.began)), outcome(err)
	if err != nil {
		o.Error = err.Error()
	}
	c.history.add(o)
}

func outcome(err error) string {
	switch {
	case err == nil:
		return acknowledged
	case errors.Is(err, troupe.ErrOutcomeUnknown), errors.Is(err, troupe.ErrAnswerLost):
		return unknown
	default:
		return refused
	}
}

// last reads all lists once more, when everything is up again.
func (c *caller) last(t *testing.T) {
	t.Helper()
	seen := map[string]bool{}
	var keys []string
	for _, o := range c.history.all() {
		if o.Action == "put" && !seen[o.Actor] {
			seen[o.Actor] = true
			keys = append(keys, o.Actor[len("list/"):])
		}
	}
	var all sync.WaitGroup
	for _, key := range keys {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			began := int64(time.Since(c.began))
			got, err := items.Call(ctx, troupe.GetOrCreate[list](c.bus, key), nil)
			if err != nil {
				t.Errorf("reading list/%s at the end: %v", key, err)
			}
			c.history.add(operation{Actor: "list/" + key, Action: "items", Items: got, Began: began, Ended: int64(time.Since(c.began)), Outcome: outcome(err)})
		})
	}
	all.Wait()
}
