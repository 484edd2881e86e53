// Package probe answers the questions of an orchestrator over HTTP: whether a program is alive, and whether it is ready.
package probe

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// What a request may take. Who asks is on the same machine, or next to it.
const (
	requestTime = time.Second
	idleTime    = 30 * time.Second
	maxHeader   = 8 << 10
)

// Handler answers GET /livez with 200 as long as the program answers at all, and GET /readyz with 200 if ready returns nil, else with 503
// and its error as one line.
func Handler(ready func() error) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { answer(w, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { answer(w, ready()) })
	return mux
}

func answer(w http.ResponseWriter, err error) {
	w.Header().Set("Cache-Control", "no-store")
	if err != nil {
		http.Error(w, strings.Join(strings.Fields(err.Error()), " "), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = fmt.Fprintln(w, "ok") // who has asked may be gone
}

// Server listens for probes.
type Server struct {
	server   http.Server
	listener net.Listener
	serving  sync.WaitGroup
}

// Listen answers probes at a host:port until Close.
func Listen(ctx context.Context, address string, ready func() error) (*Server, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening for probes: %w", err)
	}
	s := &Server{listener: listener, server: http.Server{
		Handler: Handler(ready), ReadTimeout: requestTime, WriteTimeout: requestTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
	}}
	s.serving.Go(func() { _ = s.server.Serve(listener) }) // ends with Close
	return s, nil
}

// Addr is where the server listens.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Close ends the server with all of its connections.
func (s *Server) Close() {
	_ = s.server.Close() // nothing is lost
	s.serving.Wait()
}
