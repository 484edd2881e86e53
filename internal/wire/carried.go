package wire

import (
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
)

// Carried are the headers that travel with calls and events for whoever intercepts them, in the order in which they are kept when
// there is no room for all. Others may write them in any letter case.
var Carried = [...]string{
	troupe.HeaderAuthorization, troupe.HeaderTraceParent, troupe.HeaderTraceState, troupe.HeaderBaggage,
}

// Traced are those that go on with what a turn calls and broadcasts.
var Traced = Carried[1:]

// CarriedName is the name of a carried header in whatever letter case, or "".
func CarriedName(name string) string {
	for _, carried := range Carried {
		if len(name) == len(carried) && strings.EqualFold(name, carried) {
			return carried
		}
	}
	return ""
}

// GetCarried returns the value of a carried header, or "".
func (h Header) GetCarried(name string) string {
	if value := h.Get(name); value != "" {
		return value
	}
	for i := range h {
		if len(h[i].Name) == len(name) && strings.EqualFold(h[i].Name, name) {
			return h[i].Value
		}
	}
	return ""
}

// Carrier has the values of carried headers by their names.
type Carrier interface{ GetCarried(name string) string }

// WithCarried adds those of the carried headers that a carrier has and that there is room for.
func (h Header) WithCarried(from Carrier, names []string) Header {
	room := troupe.MaxHeaderBytes
	for _, name := range names {
		if value := from.GetCarried(name); value != "" && len(value) <= room {
			room -= len(value)
			h = h.With(name, value)
		}
	}
	return h
}

// CarriedIn returns the carried headers, in a map to be filled.
func (h Header) CarriedIn(names []string) troupe.Header {
	found := make(troupe.Header, len(names))
	for _, name := range names {
		if value := h.GetCarried(name); value != "" && len(value) <= troupe.MaxHeaderBytes {
			found[name] = value
		}
	}
	return found
}

// maxTraceParent is how long the header traceparent may be: that of version 00 has 55 bytes, later ones may have more.
const maxTraceParent = 128

// IsTraceParent reports whether a text may be a value of the header traceparent: of letters, digits and hyphens.
func IsTraceParent(value string) bool {
	for _, c := range []byte(value) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return value != "" && len(value) <= maxTraceParent
}

// TraceParent returns the header traceparent, if it is a valid one, or "".
func TraceParent(from Carrier) string {
	if value := from.GetCarried(troupe.HeaderTraceParent); IsTraceParent(value) {
		return value
	}
	return ""
}

// CarriedBy is a [Carrier] of what somebody has set.
type CarriedBy troupe.Header

// GetCarried implements [Carrier].
func (h CarriedBy) GetCarried(name string) string { return h[name] }

// CheckCarried refuses what could not travel.
func CheckCarried(h troupe.Header) error {
	for name, value := range h {
		switch {
		case CarriedName(name) != name:
			return &troupe.Error{Code: troupe.CodeBadInput, Message: fmt.Sprintf("the header %.100q is not one that is carried", name)}
		case strings.ContainsAny(value, "\r\n"):
			return &troupe.Error{Code: troupe.CodeBadInput, Message: fmt.Sprintf("the header %s has a line break", name)}
		case name == troupe.HeaderAuthorization && len(value) > troupe.MaxHeaderBytes:
			return &troupe.Error{Code: troupe.CodeBadInput,
				Message: fmt.Sprintf("the header %s has %d bytes, it may have %d", name, len(value), troupe.MaxHeaderBytes)}
		}
	}
	return nil
}

// CarriedOf returns the carried headers of an event, or nil.
func CarriedOf(header nats.Header) (found troupe.Header) {
	for name, values := range header {
		if carried := CarriedName(name); carried != "" && len(values) > 0 && len(values[0]) <= troupe.MaxHeaderBytes {
			if found == nil {
				found = make(troupe.Header, 1)
			}
			found[carried] = values[0]
		}
	}
	return found
}

// SetCarried puts carried headers on an event.
func SetCarried(header nats.Header, carried Carrier, names []string) {
	for _, f := range (Header{}).WithCarried(carried, names) {
		header[f.Name] = []string{f.Value}
	}
}
