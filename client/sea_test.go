package client_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

// A beacon flashes, and counts its flashes.
type beacon struct{ troupe.Ref }

func (beacon) ActorType() string { return "beacon" }

var (
	flash   = troupe.NewAction[beacon, int, troupe.None]("flash")
	wink    = troupe.NewAction[beacon, int, troupe.None]("wink") // to each connection alone
	aboard  = troupe.NewConnector[beacon, troupe.None]()
	wreck   = troupe.NewAction[beacon, troupe.None, troupe.None]("wreck")
	flashed = troupe.NewEvent[beacon, int]("flashed")
	turned  = troupe.NewEvent[beacon, int]("turned") // after each flash
)

type beaconState struct{ Flashes int }

var beacons = actorhost.Define(func() beaconState { return beaconState{} },
	actorhost.On(flash, actorhost.NoOut(func(s *beaconState, c *actorhost.Context, n int) error {
		for range n {
			s.Flashes++
			if err := errors.Join(flashed.Broadcast(c, s.Flashes), turned.Broadcast(c, -s.Flashes)); err != nil {
				return err
			}
		}
		return nil
	})),
	actorhost.On(wink, actorhost.NoOut(func(_ *beaconState, c *actorhost.Context, n int) error {
		for _, conn := range c.Connections() {
			for i := range n {
				if err := flashed.Send(c, conn, 1000+i); err != nil {
					return err
				}
			}
		}
		return nil
	})),
	actorhost.On(wreck, actorhost.NoInNoOut(func(_ *beaconState, c *actorhost.Context) error { c.Destroy(); return nil })))

// cable is a connection that can be cut. It comes back when it is mended.
type cable struct {
	provider nats.InProcessConnProvider

	mu   sync.Mutex
	cut  bool
	conn net.Conn
}

func (c *cable) InProcessConn() (net.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut {
		return nil, errors.New("the cable is cut")
	}
	conn, err := c.provider.InProcessConn()
	c.conn = conn
	return conn, err
}

func (c *cable) set(cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = cut
	if cut {
		_ = c.conn.Close()
	}
}

// sea is a bus with a host of beacons, a client that is there to the end, and one on a cable.
type sea struct {
	t        *testing.T
	near     *client.Client
	far      *client.Client
	nc       *nats.Conn // of the far one
	cable    *cable
	complain *strings.Builder
}

func newSea(t *testing.T) *sea {
	t.Helper()
	return newSeaWith(t, client.Config{})
}

// newSeaWith gives the far client a config, but for its logger.
func newSeaWith(t *testing.T, config client.Config) *sea {
	t.Helper()
	server, err := bus.StartServer(bus.ServerConfig{Memory: true, InProcessOnly: true})
	require.NoError(t, err)
	t.Cleanup(server.Shutdown)
	connect := func() *nats.Conn {
		nc, err := server.Connect(bus.Config{})
		require.NoError(t, err)
		t.Cleanup(nc.Close)
		return nc
	}
	host, err := actorhost.Start(t.Context(), connect(), actorhost.Config{}, beacons)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, host.Stop(context.Background())) })
	s := &sea{t: t, cable: &cable{provider: server.InProcess()}, complain: &strings.Builder{}}
	s.near, err = client.New(connect(), client.Config{})
	require.NoError(t, err)
	s.nc, err = nats.Connect("", nats.InProcessServer(s.cable), nats.MaxReconnects(-1), nats.ReconnectWait(time.Millisecond),
		nats.ReconnectBufSize(-1))
	require.NoError(t, err)
	t.Cleanup(s.nc.Close)
	config.Logger = slog.New(slog.NewTextHandler(s.complain, nil))
	s.far, err = client.New(s.nc, config)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, s.near.Close(context.Background()))
		require.NoError(t, s.far.Close(context.Background()))
	})
	return s
}

// flash has a beacon flash so often.
func (s *sea) flash(key string, n int) {
	s.t.Helper()
	_, err := flash.Call(s.t.Context(), troupe.GetOrCreate[beacon](s.near, key), n)
	require.NoError(s.t, err)
}

func (s *sea) wreck(key string) {
	s.t.Helper()
	_, err := wreck.Call(s.t.Context(), troupe.GetOrCreate[beacon](s.near, key), nil)
	require.NoError(s.t, err)
}

// cut cuts the cable once all that was broadcast has arrived.
func (s *sea) cut() {
	require.NoError(s.t, s.nc.Flush())
	s.cable.set(true)
	require.Eventually(s.t, s.nc.IsReconnecting, 10*time.Second, time.Millisecond)
}

func (s *sea) mend() {
	s.cable.set(false)
	require.Eventually(s.t, s.nc.IsConnected, 10*time.Second, time.Millisecond)
}

// log is what a subscription is told, in order: "1", or "gap 1-5" for what is missing between the sequences 1 and 5.
type log chan string

func (l log) hear(_ context.Context, n int) error {
	l <- fmt.Sprint(n)
	return nil
}

func (l log) gap(_ context.Context, gap troupe.Gap) error {
	l <- fmt.Sprintf("gap %d-%d", gap.After.Sequence, gap.Before.Sequence)
	return nil
}

func (l log) expect(t *testing.T, want ...string) {
	t.Helper()
	for i, want := range want {
		select {
		case got := <-l:
			require.Equal(t, want, got, "number %d", i)
		case <-time.After(20 * time.Second):
			require.FailNow(t, "nothing was told", "instead of %q", want)
		}
	}
}

func (s *sea) listen(key string, options ...troupe.SubscribeOption) log {
	s.t.Helper()
	l := make(log, 1000)
	_, err := flashed.Subscribe(s.t.Context(), troupe.GetOrCreate[beacon](s.far, key), l.hear, append(options, troupe.OnGap(l.gap))...)
	require.NoError(s.t, err)
	return l
}
