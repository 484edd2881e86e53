package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe/internal/look"
	"github.com/troupe-go/troupe/internal/wire"
)

// event is an event as --json prints it.
type event struct {
	Time    time.Time       `json:"time"` // of its arrival; of a kept one, when it was kept
	Type    string          `json:"type"`
	Key     string          `json:"key"`
	Event   string          `json:"event"`
	Place   uint64          `json:"place,omitempty"`   // of a durable event among all kept ones
	Payload json.RawMessage `json:"payload,omitempty"` // absent if the event has none
	Error   string          `json:"error,omitempty"`   // why the payload cannot be shown

	actor string // for people
}

// sameDay is how old an event may be that is shown without its date.
const sameDay = 12 * time.Hour

// decodeEvent decodes an event. If the payload cannot be decoded, the event is shown with an error, because it did
// happen.
func decodeEvent(ns wire.Namespace, msg *nats.Msg) event {
	shown := event{Event: msg.Subject[strings.LastIndexByte(msg.Subject, '.')+1:], actor: stripControls(msg.Subject)}
	if id, _, ok := ns.ParseEvent(msg.Subject); ok {
		shown.Type, shown.Key, shown.actor = id.Type(), keyText(id), actorText(id)
	}
	payload, err := look.Payload(msg)
	if err != nil {
		shown.Error = err.Error()
	}
	shown.Payload = payload
	return shown
}

// printEvent prints an event, with its actor if it is one of many.
func printEvent(e env, shown event, many bool) error {
	if e.json {
		return e.printLine(shown)
	}
	var payload bytes.Buffer
	switch {
	case shown.Error != "":
		payload.WriteString(paint(e.out, text.FgRed, stripControls(shown.Error)))
	case len(shown.Payload) > 0:
		if err := json.Compact(&payload, shown.Payload); err != nil {
			return err
		}
	}
	name := paint(e.out, text.FgCyan, stripControls(shown.Event))
	if many {
		name = shown.actor + "  " + name
	}
	layout := "15:04:05.000"
	if time.Since(shown.Time) > sameDay {
		layout = time.DateTime
	}
	at := shown.Time.Local().Format(layout) //nolint:gosmopolitan // for people
	line := fmt.Sprintf("%s  %s  %s", at, name, escapeControls(payload.Bytes()))
	_, err := fmt.Fprintln(e.out, strings.TrimRight(line, " "))
	return err
}
