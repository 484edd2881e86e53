package inspect

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/link"
	"github.com/troupe-go/troupe/internal/look"
	"github.com/troupe-go/troupe/internal/order"
	"github.com/troupe-go/troupe/internal/wire"
)

// Bounds of the events that are shown live.
const (
	maxListeners = 16               // at a time, of all readers
	mostASecond  = 50               // events that are shown; further ones are left out
	maxHeard     = 2 * mostASecond  // events that wait for a slow reader; further ones are left out
	listenTime   = 10 * time.Minute // after which a browser comes again
	quietTime    = 15 * time.Second // after which something is said, so that proxies keep the connection
	tellTime     = 10 * time.Second // for a reader to take it
)

// events shows the page on which the events of an actor arrive. Nothing listens before the page does.
func (p *pages) events(_ context.Context, _ troupe.ID, t tab) (any, error) { return t, nil }

// heard is an event as the page has it.
type heard struct {
	At      int64  `json:"at"` // milliseconds since 1970
	Event   string `json:"event"`
	Place   string `json:"place,omitempty"`
	Payload string `json:"payload"`
	Problem bool   `json:"problem,omitempty"` // the payload says what is wrong with it
	Gap     bool   `json:"gap,omitempty"`     // events before it are missing
}

// listen sends the events of an actor as they come, as server-sent events, until the reader is gone.
func (p *pages) listen(w http.ResponseWriter, r *http.Request) {
	id, err := idOf(r.URL.Query().Get("type"), r.URL.Query().Get("key"))
	if err != nil {
		http.Error(w, clean(err.Error()), statusOf(err))
		return
	}
	// A page of somebody else cannot read it, but could take all places.
	if from := r.Header.Get("Sec-Fetch-Site"); from == "cross-site" || from == "same-site" {
		http.Error(w, "a page of somebody else wants to listen", http.StatusForbidden)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), listenTime)
	defer cancel()
	l := &listener{w: w, writing: http.NewResponseController(w), all: make(chan heard, maxHeard)}
	_ = l.writing.SetReadDeadline(time.Time{}) // where it cannot be set there is none
	w.Header().Set("Content-Type", "text/event-stream")
	end, err := l.subscribe(ctx, p, p.namespace.Event(id, "*"))
	if err != nil {
		_ = l.tell("refused", clean(err.Error())) // to a browser that may be gone
		return
	}
	defer end()
	l.run(ctx, p.nc)
}

// listener is one reader who listens.
type listener struct {
	w       http.ResponseWriter
	writing *http.ResponseController
	all     chan heard
	came    atomic.Int64  // events in this second
	left    atomic.Int64  // events that are left out, and not told of yet
	order   order.Tracker // of the subscription alone
}

// subscribe subscribes, and waits until the server has not refused it.
func (l *listener) subscribe(ctx context.Context, p *pages, subject string) (end func(), err error) {
	if !p.nc.IsConnected() {
		return nil, errNoServer
	}
	guard := link.GuardSubscription(ctx, p.nc, subject)
	sub, err := p.nc.Subscribe(subject, l.hear)
	if err == nil {
		if err = guard.Flush(p.timeout); err != nil {
			_ = sub.Unsubscribe() // it was refused
		}
	}
	guard.End()
	if err != nil {
		return nil, err
	}
	return func() { _ = sub.Unsubscribe() }, nil // of a connection that may be closed
}

// run tells what it hears until ctx is done, the connection is closed, or the reader does not take it.
func (l *listener) run(ctx context.Context, nc *nats.Conn) {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	last, err := time.Now(), l.tell("open", "")
	for err == nil {
		select {
		case <-ctx.Done():
			return
		case one := <-l.all:
			last, err = time.Now(), l.tell("", one)
		case <-second.C:
			l.came.Store(0)
			switch left := l.left.Swap(0); {
			case nc.IsClosed():
				return
			case left > 0:
				last, err = time.Now(), l.tell("left", left)
			case time.Since(last) > quietTime:
				last, err = time.Now(), l.tell("open", "")
			}
		}
	}
}

// hear takes an event that has come, unless too many have.
func (l *listener) hear(msg *nats.Msg) {
	place := wire.ParsePlace(msg.Header)
	_, gap, _ := l.order.Next(msg.Subject, place)
	if l.came.Add(1) > mostASecond {
		l.left.Add(1)
		return
	}
	shown := heardOf(msg)
	if shown.Gap = gap; !place.IsZero() {
		shown.Place = fmt.Sprintf("%d.%d", place.Epoch, place.Sequence)
	}
	select {
	case l.all <- shown:
	default:
		l.left.Add(1)
	}
}

// heardOf is an event as it is shown, without its place.
func heardOf(msg *nats.Msg) heard {
	shown := heard{At: time.Now().UnixMilli(), Event: clean(msg.Subject[strings.LastIndexByte(msg.Subject, '.')+1:])}
	payload, err := look.Payload(msg)
	var line bytes.Buffer
	if err == nil && payload != nil {
		err = json.Compact(&line, payload)
	}
	if shown.Payload = clean(cut(line.String())); err != nil {
		shown.Payload, shown.Problem = clean(err.Error()), true
	}
	return shown
}

// tell sends an event to the reader.
func (l *listener) tell(kind string, data any) error {
	body, err := json.Marshal(data)
	if err != nil {
		return err
	}
	err = l.writing.SetWriteDeadline(time.Now().Add(tellTime))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if kind != "" {
		kind = "event: " + kind + "\n"
	}
	if _, err := fmt.Fprintf(l.w, "%sdata: %s\n\n", kind, body); err != nil {
		return err
	}
	return l.writing.Flush()
}
