package inspect

import (
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/internal/look"
	"github.com/troupe-go/troupe/internal/webname"
	"github.com/troupe-go/troupe/internal/wire"
)

// DefaultTimeout is how long a page waits for each reply, unless its [Config] says otherwise.
const DefaultTimeout = 2 * time.Second

// Config says what is shown, and by which names it may be asked for.
type Config struct {
	// Namespace is the one whose actors are shown. Default: client.DefaultNamespace.
	Namespace string
	// Hosts are the names and addresses, without ports, by which browsers may ask for the pages. All others are refused, so that a
	// page of somebody else, whose name is made to lead here, cannot read them. Default: localhost, 127.0.0.1 and ::1.
	Hosts []string
	// Timeout is how long a page waits for each reply of a host or of the store. Default: [DefaultTimeout].
	Timeout time.Duration
	// Token, if set, has the pages change things too: they call actions, replace states, put to sleep and destroy actors, send dead
	// letters again, run schedules, retry and cancel workflows, and drain hosts, as far as the user of the connection may. A browser
	// comes with it once, to "/?token=TOKEN", and keeps it as a cookie until it is closed. It has 16 bytes or more. Default: nothing
	// can be changed.
	Token string
}

// maxRequests is how many requests are under way at a time. Further ones are refused.
const maxRequests = 32

//go:embed page
var files embed.FS

// New returns the pages of what the user of a connection may see. They use the connection until it is closed, and end nothing. The
// handler answers GET and HEAD requests, and with a [Config.Token] POST requests, 32 at a time, and 16 that listen to events. It is to
// be at the root of its paths: see http.StripPrefix.
func New(nc *nats.Conn, config Config) (http.Handler, error) {
	namespace, err := wire.NewNamespace(config.Namespace)
	if err != nil {
		return nil, err
	}
	if config.Timeout < 0 {
		return nil, fmt.Errorf("the timeout %v is negative", config.Timeout)
	}
	if err := checkToken(config.Token); err != nil {
		return nil, err
	}
	config.Timeout = cmp.Or(config.Timeout, DefaultTimeout)
	p := &pages{
		nc: nc, namespace: namespace, looker: look.New(nc, namespace, config.Timeout), timeout: config.Timeout,
		hosts: webname.New(config.Hosts), free: make(chan struct{}, maxRequests), listening: make(chan struct{}, maxListeners),
		mux:   http.NewServeMux(),
		token: config.Token, origins: http.NewCrossOriginProtection(),
	}
	p.samples.looker = p.looker
	p.stuck.looker = p.looker
	if p.templates, err = template.New("").Funcs(functions()).ParseFS(files, "page/*.html"); err != nil {
		return nil, fmt.Errorf("reading the pages: %w", err)
	}
	p.handle("overview", "/{$}", p.overview)
	p.handle("type", "/type", p.actorType)
	p.handle("actor", "/actor", p.actor)
	p.handle("host", "/host", p.hostPage)
	p.handle("failures", "/failures", p.failures)
	p.handle("stuck", "/stuck", p.stuckOnes)
	p.handle("act", "/act", p.act)
	p.handle("queues", "/queues", p.ofActor(p.queues))
	p.handle("history", "/history", p.ofActor(p.history))
	p.handle("neighbours", "/neighbours", p.ofActor(p.neighbours))
	p.handle("events", "/events", p.ofActor(p.events))
	p.mux.HandleFunc("/listen", p.listen)
	p.handle("confirm", "/confirm", p.confirm)
	p.handle("done", "POST /do", p.do)
	for name, kind := range map[string]string{"inspect.css": "text/css; charset=utf-8", "inspect.js": "text/javascript; charset=utf-8"} {
		content, err := files.ReadFile("page/" + name)
		if err != nil {
			return nil, fmt.Errorf("reading the pages: %w", err)
		}
		p.mux.HandleFunc("/"+name, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			_, _ = w.Write(content) // to a browser that may be gone
		})
	}
	return p, nil
}

// ServeHTTP implements http.Handler.
func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for name, value := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; " +
			"base-uri 'none'; frame-ancestors 'none'",
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin",
		"Cross-Origin-Opener-Policy": "same-origin", "Cache-Control": "no-store",
	} {
		w.Header().Set(name, value)
	}
	switch {
	case !p.hosts.Has(r.Host):
		http.Error(w, "these pages are not known by this name", http.StatusMisdirectedRequest)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead && (p.token == "" || r.Method != http.MethodPost || r.URL.Path != "/do"):
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "these pages are to be read only", http.StatusMethodNotAllowed)
		return
	case p.admit(w, r):
		return
	}
	free := p.free
	if r.URL.Path == "/listen" { // which lasts
		free = p.listening
	}
	select {
	case free <- struct{}{}:
		defer func() { <-free }()
		p.mux.ServeHTTP(w, r)
	default:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "too many pages are asked for at a time", http.StatusServiceUnavailable)
	}
}
