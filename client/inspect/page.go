package inspect

import (
	"bytes"
	"context"
	"errors"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/look"
	"github.com/troupe-go/troupe/internal/mend"
	"github.com/troupe-go/troupe/internal/webname"
	"github.com/troupe-go/troupe/internal/wire"
)

// page is what a template shows.
type page struct {
	Name      string // of the template
	Title     string
	Namespace string
	Live      bool // it is to be asked for again and again
	Write     bool // its reader may change things
	At        time.Time
	Error     string // why there is no Data
	Data      any
}

// maker makes the data of a page.
type maker func(ctx context.Context, r *http.Request, page *page) (any, error)

// pages serves all pages.
type pages struct {
	nc        *nats.Conn
	namespace wire.Namespace
	looker    *look.Looker
	timeout   time.Duration
	hosts     webname.Names
	token     string
	origins   *http.CrossOriginProtection
	free      chan struct{}
	listening chan struct{}
	samples   samples
	stuck     stuckCache
	templates *template.Template
	mux       *http.ServeMux
}

// errNoServer is the error of a page that is asked for while there is no server.
var errNoServer = errors.New("there is no connection with the NATS server; this page comes back with it")

// errChanged is the error of an edit that somebody else was faster than.
var errChanged = errors.New("the state has changed since the page has shown it: nothing is stored")

// handle has a page made for a path.
func (p *pages) handle(name, path string, produce maker) {
	p.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), pageTime)
		defer cancel()
		shown := page{Name: name, Title: strings.ToUpper(name[:1]) + name[1:], Namespace: p.namespace.Name(), Live: true, At: time.Now(),
			Write: p.mayWrite(r)}
		status, err := http.StatusOK, errNoServer
		if p.nc.IsConnected() {
			shown.Data, err = produce(ctx, r, &shown)
		}
		if err != nil {
			status, shown.Error = statusOf(err), clean(err.Error())
		}
		var out bytes.Buffer
		if err := p.templates.ExecuteTemplate(&out, "layout.html", &shown); err != nil {
			http.Error(w, "the page cannot be made: "+err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(status)
		_, _ = w.Write(out.Bytes()) // to a browser that may be gone
	})
}

// statusOf is the status that tells of an error.
func statusOf(err error) int {
	switch {
	case errors.Is(err, troupe.ErrBadInput):
		return http.StatusBadRequest
	case errors.Is(err, troupe.ErrNotFound), errors.Is(err, troupe.ErrUnknownType):
		return http.StatusNotFound
	case errors.Is(err, troupe.ErrDenied):
		return http.StatusForbidden
	case errors.Is(err, errChanged), errors.Is(err, mend.ErrOver), errors.Is(err, troupe.ErrRequestReused):
		return http.StatusConflict
	case errors.Is(err, troupe.ErrTooLarge):
		return http.StatusRequestEntityTooLarge
	}
	if known, ok := errors.AsType[*troupe.Error](err); ok && known.FromActor {
		return http.StatusUnprocessableEntity
	}
	return http.StatusServiceUnavailable
}

// notFound is the error of what is not there.
func notFound(message string) error {
	return &troupe.Error{Code: troupe.CodeNotFound, Message: message}
}
