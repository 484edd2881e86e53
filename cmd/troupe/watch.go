package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/order"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// watchCommand is the verb watch.
type watchCommand struct {
	Type  string        `arg:"" help:"Actor type; * for all."`
	Key   *string       `arg:"" optional:"" help:"Key; a part * is any part, a last > any further parts or none. Without it: all keys."`
	Event string        `arg:"" optional:"" help:"Only events with this name."`
	From  string        `placeholder:"WHERE" help:"Show kept durable events first: from the first, a place (17), an age (10m) or a time."`
	Count int           `placeholder:"N" help:"End after N events."`
	For   time.Duration `placeholder:"DURATION" help:"End after this time, with code 3 if there were not N events (or none)."`
}

// Help is shown by troupe watch --help.
func (*watchCommand) Help() string {
	return `Events are printed once "watching" appears on stderr. Events that were broadcast before, or while the connection ` +
		`was lost, are not shown; with the next event, stderr says which are missing. The actors need not exist, and are not ` +
		`woken. An interrupt (Ctrl-C) ends it.

  troupe watch chatRoom                  the events of all rooms
  troupe watch chatRoom 'org1/*' sent    those sent in org1, one part down
  troupe watch chatRoom 'org1/>'         those of org1 and all below it
  troupe watch '*'                       those of all actors
  troupe watch chatRoom =2A              those of the room whose key is a star

--from first shows all durable events that are kept, then what happens. --json tells the place of each durable event; ` +
		`--from with the next number goes on there.`
}

// maxUnprinted is how many events may wait for a slow terminal before NATS drops some.
const maxUnprinted = 1 << 16

func (c *watchCommand) run(ctx context.Context, e env) error {
	watched, err := newPattern(c.Type, c.Key, c.Event)
	if err != nil {
		return err
	}
	from, err := parseFrom(c.From, time.Now())
	switch {
	case err != nil:
		return err
	case c.Count < 0:
		return usageError{fmt.Errorf("--count %d is negative", c.Count)}
	case c.For < 0:
		return usageError{fmt.Errorf("--for %v is negative", c.For)}
	}
	return e.withConnection(ctx, func(ctx context.Context, conn connection) error {
		status := conn.nc.StatusChanged(nats.CONNECTED, nats.RECONNECTING, nats.CLOSED)
		messages := make(chan *nats.Msg, maxUnprinted)
		sub, err := conn.nc.ChanSubscribe(watched.subject(e.namespace), messages)
		if err == nil {
			err = conn.flush(ctx)
		}
		if err != nil {
			return fmt.Errorf("subscribing to the events of %s: %w", watched.text, conn.explainDenied(err))
		}
		what := "all events"
		if c.Event != "" {
			what = c.Event
		}
		fmt.Fprintf(e.err, "watching %s: %s\n", watched.text, what)
		w := &watch{env: e, pattern: watched, count: c.Count}
		if c.For > 0 {
			over := time.NewTimer(c.For)
			defer over.Stop()
			w.over = over.C
		}
		if err = w.showKept(ctx, conn.nc, from); err == nil {
			err = w.show(ctx, messages, status)
		}
		return errors.Join(err, sub.Unsubscribe())
	})
}

// watch is a run of the verb watch.
type watch struct {
	env
	pattern
	count   int // 0: no end
	over    <-chan time.Time
	printed int
	last    uint64 // the place of the last kept event
	order   order.Tracker
}

func (w *watch) enough() bool { return w.count > 0 && w.printed >= w.count }

// showKept prints the kept events.
func (w *watch) showKept(ctx context.Context, nc *nats.Conn, from watchFrom) error {
	if from.isZero() {
		return nil
	}
	log, err := store.FindLog(ctx, nc, w.namespace)
	if err != nil || log == nil {
		return err
	}
	for kept, err := range log.ReadSubject(ctx, w.logSubject(w.namespace), from.place, from.since) {
		if err != nil {
			return err
		}
		w.last = kept.Sequence
		msg := &nats.Msg{Subject: w.namespace.Event(kept.Actor, kept.Event), Header: kept.Header, Data: kept.Data}
		if err := w.print(msg, kept.Time, kept.Sequence); err != nil || w.enough() {
			return err
		}
	}
	return nil
}

// show prints events until the count is reached, the time is over or ctx is done.
func (w *watch) show(ctx context.Context, messages <-chan *nats.Msg, status <-chan nats.Status) error {
	for !w.enough() {
		select {
		case <-ctx.Done():
			return w.ended(fmt.Errorf("%d of %d events have come: %w", w.printed, w.count, ctx.Err()))
		case <-w.over:
			if w.printed == 0 {
				return nothingFound("no event has come in time")
			}
			return w.ended(nothingFound("%d of %d events have come in time", w.printed, w.count))
		case msg := <-messages:
			place := keptPlace(w.namespace, msg.Header)
			if place != 0 && place <= w.last { // it was among the kept ones
				continue
			}
			if err := w.print(msg, time.Now(), place); err != nil {
				return err
			}
		case now := <-status:
			switch now {
			case nats.CLOSED:
				return connectionError{nats.ErrConnectionClosed}
			case nats.RECONNECTING:
				fmt.Fprintln(w.err, "connection lost: events are missed until it is back")
			default:
				fmt.Fprintln(w.err, "reconnected")
			}
		}
	}
	return nil
}

// ended is err if there should have been more events.
func (w *watch) ended(err error) error {
	if w.count == 0 {
		return nil
	}
	return err
}

// print prints an event, unless the pattern does not match it, and says which events are missing before it.
func (w *watch) print(msg *nats.Msg, at time.Time, place uint64) error {
	shown := decodeEvent(w.namespace, msg)
	shown.Time, shown.Place = at, place
	if !w.matches(shown.Event) {
		return nil
	}
	w.printed++
	heard := wire.ParsePlace(msg.Header)
	actor, event, ok := w.namespace.ParseEvent(msg.Subject)
	if after, gap, _ := w.order.Next(msg.Subject, heard); gap && ok {
		told := troupe.Gap{Actor: actor, Event: event, After: after, Before: heard.Position}.String()
		fmt.Fprintln(w.err, "missed:", strings.Replace(told, actor.String(), actorText(actor), 1))
	}
	return printEvent(w.env, shown, w.many)
}
