package actorhost_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/wire"
)

// probe is an actor type whose actions take something of each sort.
type probe struct{ troupe.Ref }

func (probe) ActorType() string { return "probe" }

var (
	takeInt    = troupe.NewAction[probe, int, int]("int")
	takeSmall  = troupe.NewAction[probe, uint8, int]("small")
	takeText   = troupe.NewAction[probe, string, int]("text")
	takeBytes  = troupe.NewAction[probe, []byte, int]("bytes")
	takeTime   = troupe.NewAction[probe, time.Time, int]("time")
	takeList   = troupe.NewAction[probe, []probeItem, int]("list")
	takeItem   = troupe.NewAction[probe, probeItem, int]("item")
	takeAny    = troupe.NewAction[probe, any, int]("any")
	echoAny    = troupe.NewAction[probe, any, any]("echo")
	takeRef    = troupe.NewAction[probe, probe, int]("ref")
	takeNone   = troupe.NewAction[probe, troupe.None, troupe.None]("none")
	listenTo   = troupe.NewAction[probe, string, troupe.None]("listenTo")
	heardSoFar = troupe.NewAction[probe, troupe.None, int]("heard")
	announce   = troupe.NewAction[probe, troupe.None, troupe.None]("announce")

	probeEvent = troupe.NewEvent[probe, probeItem]("happened")
	probeKept  = troupe.NewDurableEvent[probe, int]("kept")
)

type probeItem struct {
	Name   string         `json:"name"`
	Count  uint16         `json:"count"`
	At     time.Time      `json:"at"`
	Labels map[string]int `json:"labels"`
	Next   *probeItem     `json:"next,omitempty"`
	Extra  any            `json:"extra,omitempty"`
}

type probeState struct {
	Calls int
	Heard int
}

func take[In any](a troupe.Action[probe, In, int]) actorhost.Handler[probe, probeState] {
	return actorhost.On(a, func(s *probeState, _ *actorhost.Context, _ In) (int, error) { s.Calls++; return s.Calls, nil })
}

func probes() actorhost.ActorType[probe, probeState] {
	return actorhost.Define(func() probeState { return probeState{} },
		take(takeInt), take(takeSmall), take(takeText), take(takeBytes), take(takeTime), take(takeList), take(takeItem),
		take(takeAny), take(takeRef),
		actorhost.On(echoAny, func(_ *probeState, _ *actorhost.Context, in any) (any, error) { return in, nil }),
		actorhost.On(takeNone, actorhost.NoInNoOut(func(s *probeState, _ *actorhost.Context) error { s.Calls++; return nil })),
		actorhost.On(listenTo, actorhost.NoOut(func(s *probeState, c *actorhost.Context, key string) error {
			_, err := probeEvent.Subscribe(c, troupe.GetOrCreate[probe](c, key), func(context.Context, probeItem) error {
				s.Heard++
				return nil
			})
			return err
		})),
		actorhost.On(heardSoFar, actorhost.NoIn(func(s *probeState, _ *actorhost.Context) (int, error) { return s.Heard, nil })),
		actorhost.On(announce, actorhost.NoInNoOut(func(s *probeState, c *actorhost.Context) error {
			return errors.Join(probeEvent.Broadcast(c, probeItem{}), probeKept.Broadcast(c, s.Calls))
		})),
	).OnEvents(actorhost.OnEvent(probeKept, func(s *probeState, _ *actorhost.Context, _ int) error { s.Heard++; return nil }))
}

// hostileServer is a server of its own for a test, that takes messages of 8 MB, with a host of probes.
type hostileServer struct {
	url    string
	nc     *nats.Conn // the host's
	host   *actorhost.Host
	client *client.Client
	id     string
}

func startHostileServer(tb testing.TB) *hostileServer {
	tb.Helper()
	srv, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: -1, NoLog: true, NoSigs: true, JetStream: true, StoreDir: tb.TempDir(), MaxPayload: 8 << 20,
	})
	require.NoError(tb, err)
	srv.Start()
	tb.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	require.True(tb, srv.ReadyForConnections(10*time.Second))
	s := &hostileServer{url: srv.ClientURL()}
	s.nc = s.connect(tb)
	s.host, err = actorhost.Start(tb.Context(), s.nc, actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, probes())
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, s.host.Stop(context.Background())) })
	s.client, err = client.New(s.connect(tb), client.Config{})
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, s.client.Close(context.Background())) })
	s.id = s.host.ID()
	return s
}

func (s *hostileServer) connect(tb testing.TB) *nats.Conn {
	tb.Helper()
	nc, err := bus.Connect(context.Background(), bus.Config{URL: s.url, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(tb, err)
	tb.Cleanup(nc.Close)
	return nc
}

// requireUnharmed checks that the actor a answers, on the host and the connection of the beginning.
func (s *hostileServer) requireUnharmed(tb testing.TB) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	_, err := takeNone.Call(ctx, troupe.GetOrCreate[probe](s.client, "a"), nil)
	require.NoError(tb, err)
	require.Equal(tb, s.id, s.host.ID())
	require.Zero(tb, s.nc.Stats().Reconnects)
}

// rawConn is a connection without any library in between: it sends what no library would.
type rawConn struct {
	conn net.Conn
	in   *bufio.Reader
	sent int
}

func (s *hostileServer) wire(tb testing.TB) *rawConn {
	tb.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "nats://"))
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = conn.Close() })
	w := &rawConn{conn: conn, in: bufio.NewReader(conn)}
	_, err = w.in.ReadString('\n') // INFO
	require.NoError(tb, err)
	_, err = conn.Write([]byte("CONNECT {\"verbose\":false,\"headers\":true,\"no_responders\":true}\r\nSUB _INBOX.wire.> 1\r\n"))
	require.NoError(tb, err)
	return w
}

// publish sends a message; header lines end with \r\n each.
func (w *rawConn) publish(tb testing.TB, subject, reply, header string, body []byte) {
	tb.Helper()
	if reply != "" {
		reply += " "
	}
	head := fmt.Sprintf("PUB %s %s%d\r\n", subject, reply, len(body))
	if header != "" {
		header = "NATS/1.0\r\n" + header + "\r\n"
		head = fmt.Sprintf("HPUB %s %s%d %d\r\n", subject, reply, len(header), len(header)+len(body))
	}
	_, err := w.conn.Write(append(append([]byte(head+header), body...), "\r\n"...))
	require.NoError(tb, err)
}

// read returns the next message.
func (w *rawConn) read(tb testing.TB) *nats.Msg {
	tb.Helper()
	for {
		line, err := w.in.ReadString('\n')
		require.NoError(tb, err)
		fields := strings.Fields(line)
		switch fields[0] {
		case "PING":
			_, err = w.conn.Write([]byte("PONG\r\n"))
			require.NoError(tb, err)
		case "MSG", "HMSG":
			total, err := strconv.Atoi(fields[len(fields)-1])
			require.NoError(tb, err)
			data := make([]byte, total+2)
			_, err = io.ReadFull(w.in, data)
			require.NoError(tb, err)
			msg := &nats.Msg{Subject: fields[1], Data: data[:total]}
			if fields[0] == "HMSG" {
				size, err := strconv.Atoi(fields[len(fields)-2])
				require.NoError(tb, err)
				msg.Header, err = nats.DecodeHeadersMsg(data[:size])
				require.NoError(tb, err)
				msg.Data = data[size:total]
			}
			return msg
		case "-ERR":
			return &nats.Msg{Header: nats.Header{"Status": {strings.TrimSpace(line)}}}
		}
	}
}

// code is the code of the error that a reply carries.
func replyCode(msg *nats.Msg) string {
	if status := msg.Header.Get("Status"); status != "" && len(msg.Data) == 0 {
		return status
	}
	if err := wire.DecodeError(msg); err != nil {
		return string(err.Code)
	}
	if _, pending := wire.PendingAt(msg); pending {
		return "pending"
	}
	return "ok"
}

// send sends what a case says and returns the code of the answer: "" when there was none before the answer to a call
// that was sent after it.
func (w *rawConn) send(tb testing.TB, c hostileCase) (code string, took time.Duration) {
	tb.Helper()
	w.sent++
	inbox := "_INBOX.wire." + strconv.Itoa(w.sent)
	reply := inbox + ".main"
	if c.reply != "" {
		reply = strings.ReplaceAll(strings.TrimPrefix(c.reply, "none"), "INBOX", inbox)
	}
	began := time.Now()
	require.NoError(tb, w.conn.SetDeadline(began.Add(time.Minute)))
	w.publish(tb, c.subject, reply, strings.ReplaceAll(c.header, "INBOX", inbox), c.body())
	if c.want == "" {
		w.publish(tb, "troupe.route.probe.alive.none", inbox+".after", "", nil)
	}
	for {
		switch msg := w.read(tb); {
		case msg.Subject == inbox+".after":
			return "", 0
		case strings.HasPrefix(msg.Subject, inbox+".") || msg.Subject == "":
			return replyCode(msg), time.Since(began)
		}
	}
}

// TestHostileInput sends what no client of ours would. Each is answered with its error, or not at all when there is
// nobody to answer, and leaves the actor, the host, its connection and its memory as they were.
func TestHostileInput(t *testing.T) {
	takesLong(t)
	s := startHostileServer(t)
	w := s.wire(t)
	const heavy = 64 << 10
	quickest := make(map[string]time.Duration) // of an error: the rest is the machine's
	pass := func(times, timesHeavy int) {
		for _, c := range hostileCases(s.id) {
			n := times
			if c.size() > heavy {
				n = timesHeavy
			}
			t.Run(c.name, func(t *testing.T) {
				for range n {
					code, took := w.send(t, c)
					require.Equal(t, c.want, code)
					if best, ok := quickest[c.name]; c.want != "ok" && (!ok || took < best) {
						quickest[c.name] = took
					}
				}
				s.requireUnharmed(t)
			})
		}
	}
	pass(1, 1)
	before := heap()
	pass(30, 2)
	after := heap()
	t.Logf("the heap: %d KB before, %d KB after", before>>10, after>>10)
	require.Less(t, after, before+16<<20, "the memory stays flat")
	for _, limit := range []int{heavy, 9 << 20} {
		slowest := hostileCase{body: text("")}
		for _, c := range hostileCases(s.id) {
			if c.size() <= limit && quickest[c.name] > quickest[slowest.name] {
				slowest = c
			}
		}
		t.Logf("the slowest error of a message of up to %d KB: %v, after %v", limit>>10, slowest.name, quickest[slowest.name])
	}
}

// heap is what is in use after a collection.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// TestRequestIDsDoNotKeepTheirHeaders has an actor remember ids that came with large headers.
func TestRequestIDsDoNotKeepTheirHeaders(t *testing.T) {
	s := startHostileServer(t)
	w := s.wire(t)
	send := func(id int) {
		header := fmt.Sprintf("X: %s\r\nTroupe-Request-Id: id-%d\r\n", strings.Repeat("y", 1<<20), id)
		code, _ := w.send(t, hostileCase{subject: toA + "int", header: header, body: text("\x01"), want: "ok"})
		require.Equal(t, "ok", code)
	}
	send(0)
	before := heap()
	for id := range 64 {
		send(id)
	}
	require.Less(t, heap(), before+16<<20)
}

// TestWhatDoesNotFitAForwardIsTooLarge sends a call to a host that does not own the actor, of the largest size that the
// server takes: it cannot be forwarded with the headers of a host.
func TestWhatDoesNotFitAForwardIsTooLarge(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	owner := b.Host(counters())
	a := troupe.GetOrCreate[counter](b.Client, "a")
	require.NoError(t, call(t.Context(), add, a, 5))
	other, nc := b.Host(counters()), b.Connect()
	inbox, err := nc.SubscribeSync(nc.NewInbox())
	require.NoError(t, err)
	msg := nats.NewMsg("troupe.host." + other.ID() + ".call.counter.a.add")
	msg.Header.Set(wire.HeaderReplyTo, inbox.Subject)
	header := len("NATS/1.0\r\n: \r\n\r\n") + len(wire.HeaderReplyTo) + len(inbox.Subject)
	msg.Data = make([]byte, int(nc.MaxPayload())-header)
	require.NoError(t, nc.PublishMsg(msg))
	reply, err := inbox.NextMsg(10 * time.Second)
	require.NoError(t, err)
	require.ErrorIs(t, wire.DecodeError(reply), troupe.ErrTooLarge)
	is, err := whereIs.Call(t.Context(), a, nil)
	require.NoError(t, err)
	require.Equal(t, owner.ID(), is.Host)
}

// TestWaitingMessagesHaveALimitInBytes floods an actor that is busy with the largest of messages.
func TestWaitingMessagesHaveALimitInBytes(t *testing.T) {
	started, release := make(chan struct{}, 65), make(chan struct{})
	end := sync.OnceFunc(func() { close(release) })
	block := troupe.NewAction[counter, []byte, troupe.None]("block")
	b := hosttest.Start(t, actorhost.Define(func() counterState { return counterState{} },
		actorhost.On(block, actorhost.NoOut(func(*counterState, *actorhost.Context, []byte) error {
			started <- struct{}{}
			<-release
			return nil
		}))))
	t.Cleanup(end)
	nc := b.Connect()
	inbox := nc.NewInbox()
	replies, err := nc.SubscribeSync(inbox)
	require.NoError(t, err)
	body := encoded(t, make([]byte, 1<<20-1024))
	before := heap()
	send := func() {
		require.NoError(t, nc.PublishMsg(&nats.Msg{Subject: "troupe.route.counter.a.block", Reply: inbox, Data: body}))
	}
	send()
	<-started
	for range 64 {
		send()
	}
	for range 100 {
		send()
		reply, err := replies.NextMsg(20 * time.Second)
		require.NoError(t, err)
		require.ErrorIs(t, wire.DecodeError(reply), troupe.ErrOverloaded)
	}
	require.Less(t, heap(), before+100<<20)
	end()
	for range 65 {
		reply, err := replies.NextMsg(20 * time.Second)
		require.NoError(t, err)
		require.Nil(t, wire.DecodeError(reply))
	}
}
