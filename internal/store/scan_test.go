package store_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/internal/bustest"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// TestWhatIsNotAnsweredInTimeIsNotNothing runs out of time before the reply arrives.
func TestWhatIsNotAnsweredInTimeIsNotNothing(t *testing.T) {
	t.Parallel()
	ns, err := wire.NewNamespace("")
	require.NoError(t, err)
	nc := bustest.Connect(t)
	log, err := store.OpenLog(t.Context(), nc, ns, store.Settings{KeepEvents: time.Hour})
	require.NoError(t, err)
	subscriptions, err := store.OpenSubscriptions(t.Context(), nc, ns, store.Settings{})
	require.NoError(t, err)
	source := bustest.NewID(t, "room", "a")

	late, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	_, err = subscriptions.Of(late, source, "said")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	var errs []error
	for _, err := range log.Read(late, source, "", 0, time.Time{}) {
		errs = append(errs, err)
	}
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], context.DeadlineExceeded)
}

// TestReadGoesOnToTheEnd reads more than one request may return: in number, in bytes, and in time, which passes on the
// way or while an event is handled. Each event is read once.
func TestReadGoesOnToTheEnd(t *testing.T) {
	for name, test := range map[string]struct {
		events, size int
		stall        int           // bytes before the connection stalls once; 0: never
		look         time.Duration // time spent on each event
	}{
		"many":               {events: 600},
		"large":              {events: 6, size: 300 << 10},
		"looked at for long": {events: 3, look: 2 * readTimeout},
		"a stall on the way": {events: 3, size: 300 << 10, stall: 400 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, err := bus.StartServer(bus.ServerConfig{Memory: true, InProcessOnly: true})
				require.NoError(t, err)
				defer server.Shutdown()
				var stall atomic.Int64
				nc, err := nats.Connect("", nats.InProcessServer(stalling{server.InProcess(), &stall}))
				require.NoError(t, err)
				defer nc.Close()
				ns, err := wire.NewNamespace("")
				require.NoError(t, err)
				log, err := store.OpenLog(t.Context(), nc, ns, store.Settings{KeepEvents: time.Hour})
				require.NoError(t, err)
				source, last := bustest.NewID(t, "room", "a"), uint64(0)
				for range test.events {
					last, err = log.Append(t.Context(), source, record.Emitted{Event: "said", Payload: make([]byte, test.size)}, last)
					require.NoError(t, err)
				}
				stall.Store(int64(test.stall))
				read := 0
				for event, err := range log.Read(t.Context(), source, "", 0, time.Time{}) {
					require.NoError(t, err)
					read++
					require.EqualValues(t, read, event.Sequence)
					time.Sleep(test.look) //nolint:forbidigo // in a synctest bubble
				}
				require.Equal(t, test.events, read)
			})
		})
	}
}

// readTimeout is the timeout of a request.
const readTimeout = 5 * time.Second

// stalling is a server that is silent for a while after so many bytes.
type stalling struct {
	nats.InProcessConnProvider
	left *atomic.Int64
}

func (s stalling) InProcessConn() (net.Conn, error) {
	conn, err := s.InProcessConnProvider.InProcessConn()
	return stallingConn{conn, s.left}, err
}

type stallingConn struct {
	net.Conn
	left *atomic.Int64
}

func (c stallingConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if before := c.left.Load(); before > 0 && c.left.Add(-int64(n)) <= 0 {
		time.Sleep(readTimeout + time.Second) //nolint:forbidigo // in a synctest bubble
	}
	return n, err
}
