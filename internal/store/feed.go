package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe/internal/link"
	"github.com/troupe-go/troupe/internal/pause"
)

// Feed delivers what is new in a stream: events of the log, or alarms that ring. Each goes to one of the hosts that share the
// feed, until that one acks it.
type Feed struct {
	stream   *bucket
	parse    func(subject string, header nats.Header, data []byte) (Logged, error)
	config   jetstream.ConsumerConfig
	prefetch int
	failed   func(error)
	ctx      context.Context //nolint:containedctx // done when the feed is stopped
	cancel   context.CancelFunc

	// Used by Next only.
	messages jetstream.MessagesContext
	guard    *link.Guard // what Next needs is not denied
	opened   uint64      // how many times, not counting reconnects
	alive    time.Time   // when it was opened last, or delivered something
}

// Fed is an event, or a ring, that a Feed has delivered.
type Fed struct {
	Logged
	Delivered uint64 // number of deliveries, including this one
	Opened    uint64 // how many times the feed was opened or connected anew until then: with each, the log may be another
	msg       jetstream.Msg

	nc         *nats.Conn
	reconnects uint64 // of the connection until then
}

// Before reports whether an event is before another in the log, or was delivered before the feed was opened again.
func (e Fed) Before(other Fed) bool {
	return e.Opened < other.Opened || e.Opened == other.Opened && e.Sequence < other.Sequence
}

// maxUnacked is how many events of a feed may be delivered and not acked.
const maxUnacked = 100_000

// feedHeartbeat is how often the server sends a heartbeat. After two intervals without, the feed is opened again.
const feedHeartbeat = 5 * time.Second

// feedReopenPause is the pause before the feed is opened again after the server ended it. drainTimeout is how long a
// stopped feed waits for messages under way.
const feedReopenPause, drainTimeout = time.Second, time.Second

// A feed that was deleted begins again this long before this host has last heard of it: clocks differ, and others may not
// have done with what was delivered to them.
const feedOverlap = time.Minute

// Feed opens the feed with this name. A new feed starts with the next event; one that is deleted, with the log or alone,
// starts again a minute before the last event that this host got. An event that is not acked, nacked or reported as in
// progress within patience is delivered to another host. Up to prefetch events are fetched ahead. Failed is called when
// events cannot be fetched for now. Callers must Stop the feed.
func (l *Log) Feed(
	ctx context.Context, name string, patience time.Duration, prefetch int, failed func(error),
) (*Feed, error) {
	f, err := openFeed(ctx, &Feed{stream: l.stream, parse: l.parse, prefetch: prefetch, failed: failed, config: jetstream.ConsumerConfig{
		Durable:       name,
		DeliverPolicy: jetstream.DeliverNewPolicy,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       patience,
		MaxAckPending: maxUnacked,
	}})
	if err != nil {
		return nil, fmt.Errorf("opening the feed %s of the log of events: %w", name, err)
	}
	return f, nil
}

func openFeed(ctx context.Context, f *Feed) (*Feed, error) {
	f.ctx, f.cancel = context.WithCancel(context.Background())
	if err := f.open(ctx); err != nil {
		f.cancel()
		return nil, err
	}
	return f, nil
}

func (f *Feed) open(ctx context.Context) error {
	nc, stream := f.stream.js.Conn(), f.stream.name()
	if f.guard != nil {
		f.guard.End()
	}
	f.guard = link.NewGuard(f.ctx, nc, func(publish bool, subject string) bool {
		return !publish && link.IsInbox(nc, subject) || publish && (subject == "$JS.API.CONSUMER.MSG.NEXT."+stream+"."+f.config.Durable ||
			strings.HasPrefix(subject, "$JS.ACK.") && strings.Contains(subject, "."+stream+"."+f.config.Durable+"."))
	})
	return allowed(ctx, nc, stream, func(ctx context.Context) error { return untilAnswered(ctx, f.tryOpen) })
}

func (f *Feed) tryOpen(ctx context.Context) error {
	stream := f.stream.stream
	consumer, err := stream.Consumer(ctx, f.config.Durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		consumer, err = stream.CreateConsumer(ctx, f.newConfig())
	}
	if errors.Is(err, jetstream.ErrConsumerExists) { // another host was faster
		consumer, err = stream.Consumer(ctx, f.config.Durable)
	}
	if err != nil {
		return err
	}
	f.messages, err = consumer.Messages(jetstream.PullMaxMessages(f.prefetch), jetstream.PullHeartbeat(feedHeartbeat))
	f.opened++
	f.alive = time.Now()
	return err
}

// newConfig is the configuration of a feed that is not there, or no longer.
func (f *Feed) newConfig() jetstream.ConsumerConfig {
	config := f.config
	if !f.alive.IsZero() && config.DeliverPolicy == jetstream.DeliverNewPolicy {
		since := f.alive.Add(-feedOverlap)
		config.DeliverPolicy, config.OptStartTime = jetstream.DeliverByStartTimePolicy, &since
	}
	return config
}

// Next waits for the next event. It returns false when the feed was stopped and all fetched events are returned, or
// when the connection is closed. Only one goroutine may call it.
func (f *Feed) Next() (Fed, bool) {
	for {
		msg, err := f.messages.Next(jetstream.NextContext(f.guard.Context()))
		denied := f.guard.Err()
		if f.ctx.Err() != nil {
			f.messages.Drain()
			msg, err = f.messages.Next(jetstream.NextMaxWait(drainTimeout))
		}
		switch {
		case err != nil && f.ctx.Err() != nil, errors.Is(err, nats.ErrConnectionClosed):
			f.messages.Stop()
			f.guard.End()
			return Fed{}, false
		case err != nil && denied != nil:
			f.reopen(denied)
		case errors.Is(err, jetstream.ErrMsgIteratorClosed), errors.Is(err, jetstream.ErrNoHeartbeat):
			f.reopen(nil) // somebody has deleted the consumer, or the server no longer knows this request
		case err != nil: // no connection, or no leader
			pause.For(f.ctx, retryPause)
		default:
			f.alive = time.Now()
			fed, err := f.read(msg)
			if err == nil {
				return fed, true
			}
			f.failed(fmt.Errorf("a message is dropped: %w", err))
			_ = msg.Term()
		}
	}
}

// reopen opens the feed again after a pause. If that fails, the next round tries again.
func (f *Feed) reopen(why error) {
	f.messages.Stop()
	if why != nil {
		f.failed(why)
	}
	if !pause.For(f.ctx, feedReopenPause) {
		return
	}
	if err := f.open(f.ctx); err != nil && f.ctx.Err() == nil && !errors.Is(err, nats.ErrConnectionClosed) {
		f.failed(err)
		f.stream.suspect()
	}
}

func (f *Feed) read(msg jetstream.Msg) (Fed, error) {
	meta, err := msg.Metadata()
	if err != nil {
		return Fed{}, fmt.Errorf("on %s: %w", msg.Subject(), err)
	}
	logged, err := f.parse(msg.Subject(), msg.Headers(), msg.Data())
	logged.Sequence, logged.Time = meta.Sequence.Stream, meta.Timestamp
	nc := f.stream.js.Conn()
	reconnects := nc.Stats().Reconnects
	return Fed{
		Logged: logged, Delivered: meta.NumDelivered, Opened: f.opened + reconnects, msg: msg, nc: nc, reconnects: reconnects,
	}, err
}

// Stop stops fetching. Events that Next has returned are delivered to others unless they are acked.
func (f *Feed) Stop() { f.cancel() }

// Ack says that the event is done. If the ack is lost, the event is delivered again.
func (e Fed) Ack() { _ = e.msg.Ack() }

// InProgress resets the patience for the event.
func (e Fed) InProgress() { _ = e.msg.InProgress() }

// Nak asks for another delivery after a delay.
func (e Fed) Nak(after time.Duration) { _ = e.msg.NakWithDelay(after) }

// AckSent is Ack. It reports whether the ack was sent.
func (e Fed) AckSent() bool { return e.msg.Ack() == nil }

// Lost reports whether the connection was lost since the event was delivered, and with it what was sent perhaps.
func (e Fed) Lost() bool { return e.reconnects != e.nc.Stats().Reconnects }

// AckAndWait is Ack for a caller that must know that the event does not come again.
func (e Fed) AckAndWait(ctx context.Context) error { return e.msg.DoubleAck(ctx) }
