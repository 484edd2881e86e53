package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/troupe-go/troupe"
)

// The events of a stream that no actor has broadcast. No event of an actor can have these names.
const (
	gapEvent   = "_gap"   // events were missed, or may have been
	errorEvent = "_error" // an event whose payload cannot be shown
	endEvent   = "_end"   // the stream ends
)

// sse writes server-sent events. What was written goes out with flush.
type sse struct {
	w   http.ResponseWriter
	out bytes.Buffer
}

// begin answers a request with a stream. The browser is to come again after some time, in milliseconds.
func (s *sse) begin(retry int) error {
	header := s.w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("X-Accel-Buffering", "no") // proxies are to pass it on as it comes
	s.w.WriteHeader(http.StatusOK)
	fmt.Fprintf(&s.out, "retry: %d\n\n", retry)
	return s.flush()
}

// event writes an event. Its data is JSON; id is where to go on after it, and empty where nobody can tell.
func (s *sse) event(name, id string, data []byte) {
	fmt.Fprintf(&s.out, "event: %s\n", name)
	s.id(id)
	s.out.WriteString("data: ")
	if json.Compact(&s.out, data) != nil { // which has no line ends
		s.out.WriteString("null")
	}
	s.out.WriteString("\n\n")
}

// place tells where to go on, without an event.
func (s *sse) place(id string) {
	s.id(id)
	s.out.WriteByte('\n')
}

func (s *sse) id(id string) {
	if id != "" {
		fmt.Fprintf(&s.out, "id: %s\n", id)
	}
}

// beat keeps what is between from taking the stream for dead.
func (s *sse) beat() { s.out.WriteString(":\n\n") }

// maxBuffered is how much is written before it goes out.
const maxBuffered = 64 << 10

// full reports whether it is time to flush.
func (s *sse) full() bool { return s.out.Len() >= maxBuffered }

// flush sends what was written. It fails if the caller is gone, or takes nothing for too long.
func (s *sse) flush() error {
	if s.out.Len() == 0 {
		return nil
	}
	extendWrites(s.w)
	if _, err := s.w.Write(s.out.Bytes()); err != nil {
		return err
	}
	s.out.Reset()
	return http.NewResponseController(s.w).Flush()
}

// gapBody is the data of a [gapEvent].
type gapBody struct {
	Event  string `json:"event"`
	After  string `json:"after,omitempty"`  // place of the last event that was told
	Before string `json:"before,omitempty"` // place of the next one; empty: nobody knows
	Missed uint64 `json:"missed,omitempty"` // how many are missing, at least
	Exact  bool   `json:"exact,omitempty"`  // and not more
}

// errorOfEvent is the data of an [errorEvent].
type errorOfEvent struct {
	Event   string `json:"event"`
	Message string `json:"message"`
}

// gap tells of events that are missing.
func (s *sse) gap(id string, gap troupe.Gap) {
	body := gapBody{Event: gap.Event, After: placeText(gap.After), Before: placeText(gap.Before)}
	body.Missed, body.Exact = gap.Missed()
	s.value(gapEvent, id, body)
}

// value writes an event of the gateway's own.
func (s *sse) value(name, id string, body any) {
	data, err := json.Marshal(body)
	if err != nil { // metadata of an error that JSON cannot hold
		data = []byte("null")
	}
	s.event(name, id, data)
}

func placeText(p troupe.Position) string {
	if p.IsZero() {
		return ""
	}
	return fmt.Sprintf("%d.%d", p.Epoch, p.Sequence)
}
