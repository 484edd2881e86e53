package client_test

import (
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client"
)

// distant is a server whose words take a while to arrive.
type distant struct {
	server nats.InProcessConnProvider
	delay  time.Duration
}

func (d distant) InProcessConn() (net.Conn, error) {
	conn, err := d.server.InProcessConn()
	if err != nil {
		return nil, err
	}
	far := &distantConn{Conn: conn, delay: d.delay, arriving: make(chan arrival, 1<<12), closed: make(chan struct{})}
	go far.receive()
	return far, nil
}

type distantConn struct {
	net.Conn

	delay    time.Duration
	arriving chan arrival
	closed   chan struct{}
	close    sync.Once
	rest     []byte
}

type arrival struct {
	at   time.Time
	data []byte
}

func (c *distantConn) receive() {
	for {
		buffer := make([]byte, 1<<12)
		n, err := c.Conn.Read(buffer)
		if err != nil {
			return
		}
		c.arriving <- arrival{time.Now().Add(c.delay), buffer[:n]}
	}
}

func (c *distantConn) Read(into []byte) (int, error) {
	if len(c.rest) == 0 {
		var next arrival
		select {
		case next = <-c.arriving:
		case <-c.closed:
			return 0, net.ErrClosed
		}
		select {
		case <-time.After(time.Until(next.at)):
		case <-c.closed:
			return 0, net.ErrClosed
		}
		c.rest = next.data
	}
	n := copy(into, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (c *distantConn) Close() error {
	c.close.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// shlef is an actor that no host has.
type shlef struct{ troupe.Ref }

func (shlef) ActorType() string { return "shlef" }

var misspelt = troupe.NewAction[shlef, book, int]("put")

// "No responders" may arrive when a call has been sent again, and even by the route: it is no word of the route then.
func TestDistantServer(t *testing.T) {
	for _, ms := range []int{50, 99, 101, 150, 199, 201, 250, 350, 600, 1000} {
		delay := time.Duration(ms) * time.Millisecond
		synctest.Test(t, func(t *testing.T) {
			b := hosttest.Start(t, shelves)
			nc, err := nats.Connect("", nats.InProcessServer(distant{b.Connect().Opts.InProcessServer, delay}), nats.Timeout(time.Minute))
			require.NoError(t, err)
			defer nc.Close()
			cl, err := client.New(nc, client.Config{})
			require.NoError(t, err)
			defer func() { require.NoError(t, cl.Close(t.Context())) }()

			ref := troupe.GetOrCreate[shelf](cl, "asleep")
			count, err := put.Call(t.Context(), ref, moby)
			require.NoError(t, err, delay)
			require.Equal(t, 1, count)
			count, err = put.Call(t.Context(), ref, moby)
			require.NoError(t, err, delay)
			require.Equal(t, 2, count, "each is done once")

			_, err = misspelt.Call(t.Context(), troupe.GetOrCreate[shlef](cl, "a"), moby)
			require.ErrorIs(t, err, troupe.ErrUnknownType, delay)
		})
	}
}
