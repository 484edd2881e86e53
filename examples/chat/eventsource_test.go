package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client/gateway"
	"github.com/troupe-go/troupe/examples/internal/stage/stagetest"
)

// diary is an actor type with an event that is kept, and one that is not.
type diary struct{ troupe.Ref }

func (diary) ActorType() string { return "diary" }

var (
	write   = troupe.NewAction[diary, string, troupe.None]("write")
	written = troupe.NewDurableEvent[diary, string]("written")
	typed   = troupe.NewEvent[diary, string]("typed")
)

var diaries = actorhost.Define(func() troupe.None { return nil },
	actorhost.On(write, actorhost.NoOut(func(_ *troupe.None, c *actorhost.Context, text string) error {
		if err := typed.Broadcast(c, text); err != nil {
			return err
		}
		return written.Broadcast(c, text)
	})))

// webServer is a page with a gateway, which can go and come again at its address.
type webServer struct {
	t       *testing.T
	connect func() *nats.Conn

	mu      sync.Mutex
	address string
	stop    func()
}

func (w *webServer) start() {
	g, err := gateway.New(gateway.Config{
		Anonymous: true, Connect: func(context.Context, gateway.Credentials) (*nats.Conn, error) { return w.connect(), nil },
	})
	require.NoError(w.t, err)
	all := http.NewServeMux()
	all.Handle("/actors/", http.StripPrefix("/actors", g))
	all.HandleFunc("GET /{$}", func(out http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(out, "<!doctype html><title>A page</title>")
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	listener, err := new(net.ListenConfig).Listen(w.t.Context(), "tcp", w.address)
	require.NoError(w.t, err)
	w.address = listener.Addr().String()
	server := httptest.NewUnstartedServer(all)
	require.NoError(w.t, server.Listener.Close())
	server.Listener = listener
	server.Start()
	w.stop = func() { // without a word to those who listen
		server.CloseClientConnections()
		server.Close()
		require.NoError(w.t, g.Close(context.Background()))
	}
}

func (w *webServer) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stop()
	w.stop = func() {}
}

// TestEventSource has the EventSource of a browser go on by itself after the server of its page was gone.
func TestEventSource(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	b := hosttest.Start(t, diaries)
	w := &webServer{t: t, connect: b.Connect, address: "127.0.0.1:0"}
	w.start()
	t.Cleanup(w.end)
	control := http.NewServeMux()
	control.HandleFunc("POST /end", func(http.ResponseWriter, *http.Request) { w.end() })
	control.HandleFunc("POST /start", func(http.ResponseWriter, *http.Request) { w.start() })
	control.HandleFunc("POST /write/{text}", func(out http.ResponseWriter, r *http.Request) {
		if _, err := write.Call(r.Context(), troupe.GetOrCreate[diary](b.Client, "anna"), r.PathValue("text")); err != nil {
			http.Error(out, err.Error(), http.StatusInternalServerError)
		}
	})
	server := httptest.NewServer(control)
	t.Cleanup(server.Close)
	stagetest.Node(t, "browser", []string{"PAGE=http://" + w.address, "CONTROL=" + server.URL, "CHROMIUM=" + browser}, "--test", "eventsource.test.mjs")
}
