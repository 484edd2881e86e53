package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/bus"
)

func TestMain(m *testing.M) {
	for _, setting := range os.Environ() {
		if name, _, _ := strings.Cut(setting, "="); strings.HasPrefix(name, "NATS_") || strings.HasPrefix(name, "TROUPE_") || name == "COLUMNS" {
			_ = os.Unsetenv(name) // fails only for names that cannot be in the environment
		}
	}
	hosttest.Main(m)
}

// room is the actor type of these tests: its contract first, its implementation below.
type room struct{ troupe.Ref }

func (room) ActorType() string { return "room" }

type message struct {
	From string `json:"from"`
	Text string `json:"text"`
}

type sale struct {
	ID   int64   `json:"id"`
	Left float64 `json:"left"`
}

var (
	send    = troupe.NewAction[room, message, int]("send")
	empty   = troupe.NewAction[room, troupe.None, troupe.None]("empty")
	sell    = troupe.NewAction[room, sale, sale]("sell")
	add     = troupe.NewAction[room, int, int]("add")
	stuck   = troupe.NewAction[room, troupe.None, troupe.None]("stuck")
	some    = troupe.NewAction[room, troupe.None, troupe.None]("sometimes")
	buggy   = troupe.NewAction[room, troupe.None, troupe.None]("buggy")
	sent    = troupe.NewEvent[room, message]("sent")
	emptied = troupe.NewEvent[room, troupe.None]("emptied")
	closing = troupe.NewAction[room, troupe.None, troupe.None]("close")
	closed  = troupe.NewDurableEvent[room, troupe.None]("closed")
)

type roomState struct {
	Messages []message
	Sum      int

	asked int
}

func rooms() actorhost.Definition {
	return actorhost.Define(func() roomState { return roomState{} },
		actorhost.On(send, (*roomState).send),
		actorhost.On(empty, actorhost.NoInNoOut((*roomState).empty)),
		actorhost.On(sell, (*roomState).sell),
		actorhost.On(closing, actorhost.NoInNoOut(func(_ *roomState, c *actorhost.Context) error { return closed.Broadcast(c, nil) })),
		actorhost.On(add, func(s *roomState, _ *actorhost.Context, n int) (int, error) { s.Sum += n; return s.Sum, nil }),
		actorhost.On(stuck, actorhost.NoInNoOut(func(_ *roomState, c *actorhost.Context) error { <-c.Done(); return c.Err() })),
		actorhost.On(some, actorhost.NoInNoOut((*roomState).sometimes)),
		actorhost.On(buggy, actorhost.NoInNoOut(func(*roomState, *actorhost.Context) error { return io.ErrUnexpectedEOF })),
	).OnDestroy(func(s *roomState, _ *actorhost.Context) error {
		if len(s.Messages) > 0 {
			return troupe.NewError("in_use", fmt.Sprintf("there are %d messages", len(s.Messages)))
		}
		return nil
	})
}

func (s *roomState) send(c *actorhost.Context, m message) (int, error) {
	s.Messages = append(s.Messages, m)
	return len(s.Messages), sent.Broadcast(c, m)
}

// sometimes refuses every second call.
func (s *roomState) sometimes(*actorhost.Context) error {
	s.asked++
	if s.asked%2 == 0 {
		return troupe.NewError("odd", "only every other time")
	}
	return nil
}

func (s *roomState) empty(c *actorhost.Context) error {
	s.Messages = nil
	return emptied.Broadcast(c, nil)
}

func (s *roomState) sell(_ *actorhost.Context, wanted sale) (sale, error) {
	if wanted.Left > 3 {
		return sale{}, troupe.NewError("out_of_stock", "only 3 left").With("left", 3).With("item", sale{ID: 7})
	}
	return wanted, nil
}

// startBus starts a server with a host of rooms, and returns where it listens.
func startBus(t *testing.T, config actorhost.Config) (url string) {
	t.Helper()
	server := startServer(t)
	startHost(t, server, config)
	return server.URL()
}

func startServer(t *testing.T) *bus.Server {
	t.Helper()
	server, err := bus.StartServer(bus.ServerConfig{Memory: true, Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	t.Cleanup(server.Shutdown)
	return server
}

func connect(t *testing.T, server *bus.Server) *nats.Conn {
	t.Helper()
	nc, err := server.Connect(bus.Config{Name: t.Name()})
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	return nc
}

// startHost returns the function that stops the host, which the end of the test does in any case.
func startHost(t *testing.T, server *bus.Server, config actorhost.Config) (stop func()) {
	t.Helper()
	nc := connect(t, server)
	config.Logger = slog.New(slog.DiscardHandler)
	host, err := actorhost.Start(t.Context(), nc, config, rooms())
	require.NoError(t, err)
	stop = func() { require.NoError(t, host.Stop(context.WithoutCancel(t.Context()))) }
	t.Cleanup(stop)
	return stop
}

// result is what a run of the program leaves behind.
type result struct {
	code     int
	out, err string
}

// program is a run of the program to be.
type program struct {
	url   string
	stdin io.Reader
	asked bool // by a person at a terminal
}

// at is a program whose server is at url.
func at(url string) program { return program{url: url} }

func (p program) reading(text string) program {
	p.stdin = strings.NewReader(text)
	return p
}

// answering is the program on a terminal where somebody types this.
func (p program) answering(text string) program {
	p.stdin, p.asked = strings.NewReader(text), true
	return p
}

func (p program) run(ctx context.Context, args ...string) result {
	var out, err bytes.Buffer
	code := run(ctx, p.args(args), terminal{in: p.stdin, out: &out, err: &err, interactive: p.asked})
	return result{code, out.String(), err.String()}
}

func (p program) args(args []string) []string {
	if p.url == "" {
		return args
	}
	return append([]string{"--server", p.url}, args...)
}
