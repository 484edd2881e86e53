package main

import (
	"cmp"
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"time"

	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client/js"
	"github.com/troupe-go/troupe/examples/internal/stage"
)

//go:embed page
var pageFiles embed.FS

// busPath is where the page reaches the bus. It is on the page's own address, so that there is one to remember, and one
// to put behind a proxy with TLS.
const busPath = "/bus"

// defaultPage is where the page is unless $TROUPE_PAGE says otherwise.
const defaultPage = "127.0.0.1:8080"

// page is a web server with one page.
type page struct {
	listener net.Listener // nil when there is no page
	server   http.Server
	done     chan struct{}
}

// openPage decides where the page is, and has the NATS server of this process let it in. Without one, and without
// --serve, there is no page.
func openPage(ctx context.Context, s *stage.Stage, options *bus.Config) (*page, error) {
	p := &page{done: make(chan struct{})}
	if !s.Serves() || options.URL != "" || options.Context != "" {
		return p, nil
	}
	var err error
	address := cmp.Or(os.Getenv("TROUPE_PAGE"), defaultPage)
	if p.listener, err = new(net.ListenConfig).Listen(ctx, "tcp", address); err != nil {
		return nil, fmt.Errorf("the page: %w (set TROUPE_PAGE to another address)", err)
	}
	_, port, err := net.SplitHostPort(p.listener.Addr().String())
	if err != nil {
		return nil, fmt.Errorf("the page: %w", err)
	}
	options.Server.WebSocket = "127.0.0.1:0"
	options.Server.WebSocketOrigins = []string{"http://127.0.0.1:" + port, "http://localhost:" + port}
	return p, nil
}

// serve serves the page until close, and says where it is.
func (p *page) serve(s *stage.Stage, b *bus.Bus) error {
	if p.listener == nil {
		if s.Serves() {
			s.Line("")
			s.Line("There is no page: it needs a NATS server in this process, and NATS_URL names another.")
		}
		return nil
	}
	websocket, err := url.Parse(b.WebSocketURL())
	if err != nil {
		return fmt.Errorf("the page: %w", err)
	}
	websocket.Scheme = "http"
	files, err := fs.Sub(pageFiles, "page")
	if err != nil {
		return fmt.Errorf("the page: %w", err)
	}
	log := slog.NewLogLogger(s.Logger.Handler(), slog.LevelDebug)
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(files))
	mux.Handle("GET /troupe/", http.StripPrefix("/troupe/", http.FileServerFS(js.Client)))
	mux.Handle("GET "+busPath, &httputil.ReverseProxy{
		Rewrite:  func(r *httputil.ProxyRequest) { r.Out.URL = websocket.JoinPath("/"); r.Out.Host = "" },
		ErrorLog: log, // of pages that are gone, or ask for a bus that is about to be
	})
	p.server = http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log}
	go func() {
		defer close(p.done)
		_ = p.server.Serve(p.listener) // until it is closed
	}()
	s.Line("")
	s.Done("The chat is at %s  Open it in two tabs.", s.Bold("http://"+p.listener.Addr().String()+"/"))
	return nil
}

// close ends the web server. The WebSockets end with the NATS server.
func (p *page) close() error {
	if p.listener == nil {
		return nil
	}
	if p.server.Handler == nil { // it did not come to that
		return p.listener.Close()
	}
	err := p.server.Close()
	<-p.done
	return err
}
