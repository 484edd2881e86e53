package actorhost_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/internal/wire"
)

// orchestrator asks a host what it says about itself. As a log of the host it learns where, and asks for the first time while that
// still starts.
type orchestrator struct {
	t       *testing.T
	address string
	early   map[string]int // what was answered then
}

func (o *orchestrator) Enabled(context.Context, slog.Level) bool { return true }
func (o *orchestrator) WithAttrs([]slog.Attr) slog.Handler       { return o }
func (o *orchestrator) WithGroup(string) slog.Handler            { return o }

func (o *orchestrator) Handle(_ context.Context, r slog.Record) error {
	if r.Message != "the host takes calls" {
		return nil
	}
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "probes" {
			o.address = a.Value.String()
		}
		return true
	})
	o.early = make(map[string]int)
	for _, path := range []string{"/livez", "/readyz"} {
		o.early[path], _ = o.ask(http.MethodGet, path)
	}
	return nil
}

// ask returns 0 if nobody answers.
func (o *orchestrator) ask(method, path string) (code int, body string) {
	o.t.Helper()
	request, err := http.NewRequestWithContext(o.t.Context(), method, "http://"+o.address+path, nil)
	require.NoError(o.t, err)
	transport := http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(o.t, err)
	return response.StatusCode, string(text)
}

// awaitReady waits until the host says that it is ready, or why it is not. It is alive all the while.
func (o *orchestrator) awaitReady(want int, says string) {
	o.t.Helper()
	require.Eventually(o.t, func() bool {
		code, text := o.ask(http.MethodGet, "/readyz")
		return code == want && text == says
	}, 10*time.Second, 5*time.Millisecond, says)
	code, text := o.ask(http.MethodGet, "/livez")
	require.Equal(o.t, http.StatusOK, code, text)
}

const (
	saysReady        = "ok\n"
	saysStopping     = "actorhost: the host stops, or has stopped\n"
	saysDisconnected = "actorhost: disconnected from NATS, which is tried again until it works: is the server up?\n"
)

// probed is a host of counters, and an action of its that runs until it is told to end.
type probed struct {
	orchestrator
	host    *actorhost.Host
	lingers chan struct{} // closed once the action runs
	end     func()
	called  chan error // what became of the call
}

func startProbed(t *testing.T, s *outages) *probed {
	t.Helper()
	over := make(chan struct{})
	p := &probed{orchestrator: orchestrator{t: t}, lingers: make(chan struct{}), end: sync.OnceFunc(func() { close(over) }), called: make(chan error, 1)}
	linger := troupe.NewAction[counter, troupe.None, troupe.None]("linger")
	lingering := actorhost.Define(func() counterState { return counterState{} },
		actorhost.On(linger, actorhost.NoInNoOut(func(*counterState, *actorhost.Context) error { close(p.lingers); <-over; return nil })))
	var err error
	p.host, err = actorhost.Start(t.Context(), s.connect(t), actorhost.Config{Probes: "127.0.0.1:0", Logger: slog.New(p)}, lingering)
	require.NoError(t, err)
	t.Cleanup(func() { p.end(); require.NoError(t, p.host.Stop(context.Background())) })
	return p
}

// call has the action run.
func (p *probed) call(s *outages) {
	p.t.Helper()
	c, err := client.New(s.connect(p.t), client.Config{})
	require.NoError(p.t, err)
	p.t.Cleanup(func() { require.NoError(p.t, c.Close(context.Background())) })
	go func() { p.called <- c.Actor("counter", "a").Call(p.t.Context(), "linger", nil, nil) }()
	<-p.lingers
}

func TestProbes(t *testing.T) {
	t.Parallel()
	s := startOutages(t)
	o := startProbed(t, s)
	require.Equal(t, map[string]int{"/livez": http.StatusOK, "/readyz": http.StatusServiceUnavailable}, o.early)
	o.awaitReady(http.StatusOK, saysReady)
	require.NoError(t, o.host.Ready())
	for _, asked := range []struct {
		method, path string
		code         int
	}{
		{http.MethodHead, "/readyz", http.StatusOK}, {http.MethodPost, "/readyz", http.StatusMethodNotAllowed},
		{http.MethodGet, "/", http.StatusNotFound}, {http.MethodGet, "/readyz/..%2flivez", http.StatusNotFound},
	} {
		code, text := o.ask(asked.method, asked.path)
		require.Equal(t, asked.code, code, "%s %s: %s", asked.method, asked.path, text)
	}
	_, err := actorhost.Start(t.Context(), s.connect(t), actorhost.Config{Probes: o.address}, counters())
	require.ErrorContains(t, err, "actorhost: listening for probes: listen tcp "+o.address)

	s.server.Shutdown()
	o.awaitReady(http.StatusServiceUnavailable, saysDisconnected)
	s.restart(t)
	o.awaitReady(http.StatusOK, saysReady)

	o.call(s)
	stopped := make(chan error, 1)
	go func() { stopped <- o.host.Stop(context.Background()) }()
	o.awaitReady(http.StatusServiceUnavailable, saysStopping) // long before it has stopped
	select {
	case err := <-stopped:
		require.Fail(t, "an action runs", err)
	default:
	}
	o.end()
	require.NoError(t, <-o.called)
	require.NoError(t, <-stopped)
	require.ErrorContains(t, o.host.Ready(), "stops, or has stopped")
	code, text := o.ask(http.MethodGet, "/livez")
	require.Zero(t, code, text)
}

// TestDrainedIsNotReady asks a host to drain in the middle of an action.
func TestDrainedIsNotReady(t *testing.T) {
	t.Parallel()
	s := startOutages(t)
	o := startProbed(t, s)
	o.call(s)
	_, err := s.connect(t).Request("troupe.host."+o.host.ID()+".drain", nil, 10*time.Second)
	require.NoError(t, err)
	o.awaitReady(http.StatusServiceUnavailable, saysStopping)
	o.end()
	require.NoError(t, <-o.called)
	<-o.host.Done()
}

// TestProbesOfAProgram mounts what a host says beside the pages of a program.
func TestProbesOfAProgram(t *testing.T) {
	t.Parallel()
	host := hosttest.Start(t).Host(counters())
	mux := http.NewServeMux()
	mux.Handle("/readyz", host.Probes())
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := http.Server{Handler: mux}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	o := orchestrator{t: t, address: listener.Addr().String()}
	code, text := o.ask(http.MethodGet, "/readyz")
	require.Equal(t, http.StatusOK, code, text)
	require.NoError(t, server.Close())
	require.ErrorIs(t, <-served, http.ErrServerClosed)
}

// TestReadyWithTheLease has a host lose its lease while it stays connected, in virtual time. It is not ready from the moment on at which
// others may take over its actors.
func TestReadyWithTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hosttest.Start(t)
		host := b.HostWith(actorhost.Config{Lease: 3 * time.Second, Logger: slog.New(slog.DiscardHandler)}, counters())
		for range 100 { // it is renewed
			time.Sleep(100 * time.Millisecond) //nolint:forbidigo // virtual time
			require.NoError(t, host.Ready())
		}
		grant := refuseLeases(t, b)
		refused := time.Now()
		for host.Ready() == nil && time.Since(refused) < 10*time.Second {
			time.Sleep(10 * time.Millisecond) //nolint:forbidigo // virtual time
		}
		lost := time.Since(refused)
		require.ErrorContains(t, host.Ready(), "actorhost: the host has lost its lease: ")
		require.LessOrEqual(t, lost, 3*time.Second+10*time.Millisecond)
		require.Greater(t, lost, 2*time.Second-10*time.Millisecond, "it had been renewed a second before at the earliest")
		requireRefused(t, b)
		grant()
		require.Eventually(t, func() bool { return host.Ready() == nil }, 10*time.Second, 10*time.Millisecond)
		answer, err := b.Connect().Request("troupe.route.counter.a.get", nil, time.Second)
		require.NoError(t, err)
		require.Nil(t, wire.DecodeError(answer))
	})
}
