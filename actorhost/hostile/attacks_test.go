package hostile_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"

	"github.com/troupe-go/troupe/actorhost"
)

// attack is one way to do harm. It goes on until ctx is done.
type attack struct {
	name string
	// refused: the host refuses some of it as overloaded.
	refused bool
	run     func(ctx context.Context, t *testing.T, s *system)
}

// limits are those of each tenant in all tests: far more than the victim needs.
var limits = actorhost.Tenants{Awake: 200, Created: 50, Connections: 500, Waiting: 500, WaitingBytes: 16 << 20}

// What a tenant with bad intentions may do: each kind of message that it may send, more than its share, and in the wrong form.
var attacks = []attack{
	{name: "nothing", run: func(context.Context, *testing.T, *system) {}},
	{name: "small calls", run: flood{action: "read", rate: 100_000, keys: 1}.run},
	{name: "small calls that are stored", run: flood{action: "say", body: []byte{0xc4, 1, 1}, rate: 30_000, keys: 100}.run},
	{name: "large calls in bursts", run: flood{action: "say", body: large(900 << 10), rate: 200, burst: 100, keys: 10}.run},
	{name: "calls that wait", refused: true, run: flood{action: "rest", body: duration(time.Second), rate: 10_000, keys: 300}.run},
	{name: "calls that come again", refused: true, run: func(ctx context.Context, t *testing.T, s *system) {
		t.Helper()
		flood{action: "rest", body: duration(time.Second), rate: 1 << 20, burst: 4096, keys: 1, most: 4096}.run(ctx, t, s)
		flood{action: "read", rate: 50_000, keys: 1, header: nats.Header{"Troupe-Attempt": {"2"}}}.run(ctx, t, s)
	}},
	{name: "questions for calls", run: flood{action: "read", rate: 50_000, keys: 10, header: nats.Header{"Troupe-Attempt": {"?"}}}.run},
	{name: "cancellations", run: flood{action: "_cancel", rate: 50_000, keys: 1}.run},
	{name: "keys that do not exist", refused: true, run: flood{action: "read", rate: 20_000, keys: 1 << 30}.run},
	{name: "looks at keys that do not exist", refused: true, run: flood{action: "peek", rate: 20_000, keys: 1 << 30}.run},
	{name: "positions", run: flood{action: "_position", body: []byte{0xa4, 's', 'a', 'i', 'd'}, rate: 20_000, keys: 1000}.run},
	{name: "unknown actions", run: flood{action: "nothing", rate: 20_000, keys: 1}.run},
	{name: "malformed inputs", run: flood{action: "say", body: []byte{0xc1}, rate: 20_000, keys: 10}.run},
	{name: "actions that fail", run: flood{action: "break", rate: 20_000, keys: 10}.run},
	{name: "long headers", run: flood{action: "read", rate: 5000, keys: 1, header: nats.Header{
		"Troupe-Chain": {string(make([]byte, 8<<10))}, "Troupe-Timeout": {"99999999999"},
	}}.run},
	{name: "bad reply subjects", run: flood{action: "read", rate: 100_000, keys: 10, reply: "troupe.call.room.%d"}.run},
	{name: "replies that nobody may get", run: flood{action: "read", rate: 50_000, keys: 10, reply: "_INBOX.nobody%d"}.run},
	{name: "connections", refused: true, run: connect},
	{name: "silent programs", refused: true, run: silence},
}

// flood sends calls over some connections, as a program does that does not wait for replies.
type flood struct {
	action string
	body   []byte
	header nats.Header
	reply  string // with the number of the call; default: that of a caller
	rate   int    // calls a second
	burst  int    // calls at a time; default: those of 10 ms
	keys   int
	most   int // calls; 0: until the end
}

const floodConns = 4

func (f flood) run(ctx context.Context, t *testing.T, s *system) {
	t.Helper()
	if f.burst == 0 {
		f.burst = f.rate / 100
	}
	if f.reply == "" {
		f.reply = "_INBOX.mallory.x.id.%d.1"
	}
	tick := time.NewTicker(time.Duration(float64(time.Second) * float64(f.burst) / float64(f.rate)))
	defer tick.Stop()
	conns := make([]*nats.Conn, floodConns)
	for i := range conns {
		conns[i] = s.connect(t, mallory)
	}
	for sent := 0; ctx.Err() == nil && (f.most == 0 || sent < f.most); sent += f.burst {
		var all sync.WaitGroup
		for n, nc := range conns {
			all.Go(func() {
				for i := sent + n; i < sent+f.burst; i += floodConns {
					_ = nc.PublishMsg(&nats.Msg{ // the server may have cut it off
						Subject: fmt.Sprintf("troupe.route.room.mallory.%d.%s", i%f.keys, f.action),
						Reply:   fmt.Sprintf(f.reply, i+1), Header: f.header, Data: f.body,
					})
				}
			})
		}
		all.Wait()
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	for _, nc := range conns {
		assert.NotErrorIs(t, nc.LastError(), nats.ErrPermissionViolation, "NATS lets none of it through")
	}
}

func large(size int) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0xc6}, uint32(size)), make([]byte, size)...)
}

func duration(d time.Duration) []byte { return binary.BigEndian.AppendUint64([]byte{0xd3}, uint64(d)) }

// connect has one program after the other connect to one key after the other, and answer no ping.
func connect(ctx context.Context, t *testing.T, s *system) {
	t.Helper()
	nc := s.connect(t, mallory)
	for i := 0; ctx.Err() == nil; i++ {
		_ = nc.PublishMsg(&nats.Msg{
			Subject: fmt.Sprintf("troupe.route.room.mallory.%d._connect", i%100), Reply: fmt.Sprintf("_INBOX.mallory.x.id.%d.1", i+1),
			Header: nats.Header{"Troupe-Connection": {fmt.Sprintf("c%d", i)}, "Troupe-Inbox": {fmt.Sprintf("_INBOX.mallory.p%d", i)}},
		})
		if i%50 == 0 {
			time.Sleep(10 * time.Millisecond) //nolint:forbidigo // 5,000 a second
		}
	}
}

// silence has 2,000 programs connect that are there and answer no ping.
func silence(ctx context.Context, t *testing.T, s *system) {
	t.Helper()
	nc := s.connect(t, mallory)
	_, _ = nc.Subscribe("_INBOX.mallory.>", func(*nats.Msg) {})
	inner, cancel := context.WithTimeout(ctx, 400*time.Millisecond)
	defer cancel()
	connect(inner, t, s)
	<-ctx.Done()
}
