package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/nats-io/nuid"

	"github.com/troupe-go/troupe/internal/faultlog"
	"github.com/troupe-go/troupe/internal/wire"
)

// Gateway is an http.Handler. It must be closed. Its paths begin at the root: see http.StripPrefix.
type Gateway struct {
	gate      gate
	actors    actors
	anonymous bool // may come
	logger    *slog.Logger
}

// New returns a gateway. It connects to NATS when somebody calls.
func New(config Config) (*Gateway, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	ns, err := wire.NewNamespace(config.Namespace)
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	gate, err := newGate(config.Hosts, config.Origins)
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	return &Gateway{
		gate: gate, actors: actors{newUsers(config), ns, config.Timeout}, anonymous: config.Anonymous,
		logger: faultlog.Limit(config.Logger),
	}, nil
}

// Close refuses further requests, ends the streams, which says so to those who listen, waits for the calls that are under way until
// ctx is done, and closes the connections.
func (g *Gateway) Close(ctx context.Context) error { return g.actors.users.close(ctx) }

// ServeHTTP implements http.Handler.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	request := r.Header.Get(headerRequestID)
	if !isRequestID(request) {
		request = nuid.Next()
	}
	for name, value := range map[string]string{
		headerRequestID: request, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
		"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Referrer-Policy": "no-referrer",
	} {
		w.Header().Set(name, value)
	}
	if over, err := g.gate.pass(w, r); over {
		return
	} else if err != nil {
		fail(w, err)
		return
	}
	if err := g.serve(w, r); err != nil {
		if statusOf(err) >= http.StatusInternalServerError && r.Context().Err() == nil {
			g.logger.LogAttrs(r.Context(), slog.LevelError, "a request has failed",
				slog.String("request_id", request), slog.Any("error", err))
		}
		fail(w, err)
	}
}

// serve answers a request, or returns why not: then nothing is written yet.
func (g *Gateway) serve(w http.ResponseWriter, r *http.Request) error {
	credentials, err := credentialsOf(r, g.actors.namespace)
	if err != nil {
		return err
	}
	if credentials.anonymous() && !g.anonymous {
		return unauthenticated(
			"the request has no credentials: send Authorization: Bearer TOKEN, or Basic with a user and a password of NATS")
	}
	switch {
	case r.URL.Path == documentPath && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		return g.actors.document(w, r, credentials)
	case r.Method == http.MethodPost:
		return g.actors.call(w, r, credentials)
	case r.Method == http.MethodGet:
		return g.actors.listen(w, r, credentials)
	}
	w.Header().Set("Allow", "GET, POST")
	return problemf(http.StatusMethodNotAllowed, "method_not_allowed", "there is no %.20q: %s", r.Method, usage)
}

// maxRequestID is how many bytes the name of a request may have.
const maxRequestID = 128

func isRequestID(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] >= 0x7f {
			return false
		}
	}
	return text != "" && len(text) <= maxRequestID
}
