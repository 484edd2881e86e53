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
	"sync/atomic"
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
	proxy      *proxy
	bus        *client.Client
	nc         *nats.Conn
	random     *rand.Rand
	began      time.Time
	generation time.Duration
	patience   time.Duration // with a call that has an id; by default as with others
	history    *history
	puts, ids  int

	served atomic.Int64 // when the last change was acknowledged, as in operations
	calls  atomic.Bool  // it makes one call after the other
	over   atomic.Bool  // and has ended
}

func (s *system) caller(number int, seed uint64, h *history) *caller {
	s.t.Helper()
	p := s.client()
	nc, err := bus.Connect(s.t.Context(), bus.Config{URL: p.urls(), Logger: slog.New(slog.DiscardHandler)})
	require.NoError(s.t, err)
	s.t.Cleanup(nc.Close)
	cl, err := client.New(nc, client.Config{})
	require.NoError(s.t, err)
	c := &caller{number: number, proxy: p, bus: cl, nc: nc, random: rand.New(rand.NewPCG(seed, uint64(number))), began: h.began, history: h}
	s.callers = append(s.callers, c)
	return c
}

// run calls until ctx is done.
func (c *caller) run(ctx context.Context) {
	c.calls.Store(true)
	defer c.over.Store(true)
	for ctx.Err() == nil {
		n := c.random.IntN(actors)
		key, id := fmt.Sprintf("%d-%d", time.Since(c.began)/c.generation, n), c.id(n)
		switch c.random.IntN(6) {
		case 0:
			v := c.random.IntN(1_000_000)
			c.do(operation{Actor: "register/" + key, Action: "write", Input: v, ID: id}, func(ctx context.Context, o *operation) error {
				_, err := write.Call(ctx, troupe.GetOrCreate[register](c.bus, key), v)
				return err
			})
		case 1:
			c.do(operation{Actor: "register/" + key, Action: "read", ID: id}, func(ctx context.Context, o *operation) (err error) {
				o.Output, err = read.Call(ctx, troupe.GetOrCreate[register](c.bus, key), nil)
				return err
			})
		case 2:
			c.add(key, id)
		case 3:
			c.count(key, id)
		default:
			c.puts++
			item := fmt.Sprintf("%d.%d", c.number, c.puts)
			c.do(operation{Actor: "list/" + key, Action: "put", Item: item, ID: id}, func(ctx context.Context, o *operation) (err error) {
				o.Output, err = put.Call(ctx, troupe.GetOrCreate[list](c.bus, key), item)
				return err
			})
		}
		// Calls come at irregular times, and leave the machine something for the hosts.
		time.Sleep(time.Duration(c.random.Int64N(int64(betweenCall))))
	}
}

// addToOne adds to the same counter as all others do, each time with an id. It does not read: reads between so many other
// calls at a time leave porcupine too many orders to try.
func (c *caller) addToOne(ctx context.Context) {
	c.calls.Store(true)
	defer c.over.Store(true)
	for ctx.Err() == nil {
		c.add(fmt.Sprintf("%d", time.Since(c.began)/c.generation), c.id(0))
	}
}

func (c *caller) add(key, id string) {
	c.do(operation{Actor: "counter/" + key, Action: "add", Input: 1 + c.random.IntN(longest), ID: id}, func(ctx context.Context, o *operation) (err error) {
		o.Output, err = add.Call(ctx, troupe.GetOrCreate[counter](c.bus, key), o.Input)
		return err
	})
}

func (c *caller) count(key, id string) {
	c.do(operation{Actor: "counter/" + key, Action: "count", ID: id}, func(ctx context.Context, o *operation) (err error) {
		o.Output, err = count.Call(ctx, troupe.GetOrCreate[counter](c.bus, key), nil)
		return err
	})
}

// id is for the next call, if that is to have one: on half of the actors each has, on the others one of eight.
func (c *caller) id(actor int) string {
	if actor%2 == 1 && c.random.IntN(8) != 0 {
		return ""
	}
	c.ids++
	return fmt.Sprintf("chaos-%d.%d", c.number, c.ids)
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
		if strings.HasPrefix(key, filler) {
			return
		}
		c.history.add(operation{Actor: "list/" + key, Action: "added", Item: p.Item, Output: p.At, Began: now, Ended: now, Outcome: event})
	})
	require.NoError(t, err)
}

// do makes a call, and notes and returns how it has ended. One with an id is made again, as a new call, until it is acknowledged.
func (c *caller) do(o operation, call func(context.Context, *operation) error) string {
	within, patience := callTimeout, callTimeout
	if o.ID != "" {
		within, patience = callTimeout/3, cmp.Or(c.patience, callTimeout)
	}
	o.Client, o.Began = c.number, int64(time.Since(c.began))
	ctx, cancel := context.WithTimeout(troupe.WithRequestID(context.Background(), o.ID), patience)
	defer cancel()
	var unsure, err error
	for {
		one, cancel := context.WithTimeout(ctx, within)
		err = call(one, &o)
		cancel()
		if errors.Is(err, troupe.ErrOutcomeUnknown) {
			unsure = err
		}
		if err == nil || o.ID == "" || ctx.Err() != nil {
			break
		}
		sometime(c.random, shortly)
	}
	if err != nil {
		err = cmp.Or(unsure, err)
		o.Error = err.Error()
	}
	o.Ended, o.Outcome = int64(time.Since(c.began)), outcome(err)
	if o.Outcome == acknowledged && o.Action != "read" && o.Action != "count" {
		c.served.Store(o.Ended)
	}
	c.history.add(o)
	return o.Outcome
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
			// Its host, in another process, has yet to learn that there is room: all there is to do is to ask it again.
			for ; errors.Is(err, troupe.ErrOverloaded) && ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
				got, err = items.Call(ctx, troupe.GetOrCreate[list](c.bus, key), nil)
			}
			if err != nil {
				t.Errorf("reading list/%s at the end: %v", key, err)
			}
			c.history.add(operation{Actor: "list/" + key, Action: "items", Items: got, Began: began, Ended: int64(time.Since(c.began)), Outcome: outcome(err)})
		})
	}
	all.Wait()
}
