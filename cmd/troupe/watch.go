package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/order"
	"github.com/troupe-go/troupe/internal/wire"
)

// watchCommand is the verb watch.
type watchCommand struct {
	actorArgs
	Event string `arg:"" optional:"" help:"Only events with this name."`
	Count int    `placeholder:"N" help:"End after N events."`
}

// Help is shown by troupe watch --help.
func (*watchCommand) Help() string {
	return `Events are printed once "watching" appears on stderr. Events that were broadcast before, or while the connection ` +
		`was lost, are not shown; with the next event, stderr says which are missing. The actor need not exist, and is not ` +
		`woken. An interrupt (Ctrl-C) ends it.`
}

// event is an event as --json prints it.
type event struct {
	Time    time.Time       `json:"time"` // of its arrival
	Event   string          `json:"event"`
	Payload json.RawMessage `json:"payload,omitempty"` // absent if the event has none
	Error   string          `json:"error,omitempty"`   // why the payload cannot be shown
}

// maxUnprinted is how many events may wait for a slow terminal before NATS drops some.
const maxUnprinted = 1 << 16

func (c *watchCommand) run(ctx context.Context, e env) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	name, what := "*", "all events"
	if c.Event != "" {
		if err := troupe.CheckName("event", c.Event); err != nil {
			return err
		}
		name, what = c.Event, c.Event
	}
	if c.Count < 0 {
		return usageError{fmt.Errorf("--count %d is negative", c.Count)}
	}
	return e.withConnection(ctx, func(conn connection) error {
		status := conn.nc.StatusChanged(nats.CONNECTED, nats.RECONNECTING, nats.CLOSED)
		messages := make(chan *nats.Msg, maxUnprinted)
		sub, err := conn.nc.ChanSubscribe(e.namespace.Event(id, name), messages)
		if err == nil {
			err = conn.flush(ctx)
		}
		if err != nil {
			return fmt.Errorf("subscribing to the events of %s: %w", id, conn.explainDenied(err))
		}
		fmt.Fprintf(e.err, "watching %s: %s\n", id, what)
		err = c.show(ctx, e, messages, status)
		return errors.Join(err, sub.Unsubscribe())
	})
}

// show prints events until the count is reached or ctx is done.
func (c *watchCommand) show(ctx context.Context, e env, messages <-chan *nats.Msg, status <-chan nats.Status) error {
	var order order.Tracker
	for printed := 0; c.Count == 0 || printed < c.Count; {
		select {
		case <-ctx.Done():
			return nil
		case msg := <-messages:
			printGap(e, &order, msg)
			if err := printEvent(e, decodeEvent(msg)); err != nil {
				return err
			}
			printed++
		case now := <-status:
			switch now {
			case nats.CLOSED:
				return connectionError{nats.ErrConnectionClosed}
			case nats.RECONNECTING:
				fmt.Fprintln(e.err, "connection lost: events are missed until it is back")
			default:
				fmt.Fprintln(e.err, "reconnected")
			}
		}
	}
	return nil
}

// printGap says which events are missing before this one.
func printGap(e env, order *order.Tracker, msg *nats.Msg) {
	place := wire.ParsePlace(msg.Header)
	actor, event, ok := e.namespace.ParseEvent(msg.Subject)
	if after, gap, _ := order.Next(msg.Subject, place); gap && ok {
		fmt.Fprintln(e.err, "missed:", troupe.Gap{Actor: actor, Event: event, After: after, Before: place.Position})
	}
}

// decodeEvent decodes an event. If the payload cannot be decoded, the event is shown with an error, because it did
// happen.
func decodeEvent(msg *nats.Msg) event {
	shown := event{Time: time.Now(), Event: msg.Subject[strings.LastIndexByte(msg.Subject, '.')+1:]}
	if len(msg.Data) == 0 {
		return shown
	}
	as, err := wire.BodyCodec(msg)
	payload := msg.Data
	if err == nil && as == codec.MsgPack {
		payload, err = codec.ToJSON(msg.Data)
	}
	if err == nil {
		err = json.Unmarshal(payload, &shown.Payload)
	}
	if err != nil {
		shown.Payload, shown.Error = nil, fmt.Sprintf("the payload of %d bytes cannot be decoded: %v", len(msg.Data), err)
	}
	return shown
}

func printEvent(e env, shown event) error {
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
	line := fmt.Sprintf("%s  %s  %s", shown.Time.Format("15:04:05.000"), name, escapeControls(payload.Bytes()))
	_, err := fmt.Fprintln(e.out, strings.TrimRight(line, " "))
	return err
}
