package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/troupe-go/troupe/internal/pause"
)

// Feed delivers the events that get into the log, each to one of those who share it, until that one acks it.
type Feed struct {
	log      *Log
	config   jetstream.ConsumerConfig
	prefetch int
	ctx      context.Context //nolint:containedctx // done when the feed is stopped
	cancel   context.CancelFunc

	messages jetstream.MessagesContext // only for who calls Next
}

// Fed is an event of a Feed.
type Fed struct {
	Logged
	Delivered uint64 // how often it was, this time included
	msg       jetstream.Msg
}

// maxUnacked is how many events of a feed may be delivered and not acked.
const maxUnacked = 100_000

// feedHeartbeat is how often the server tells a feed that it is there. After twice as long without, the feed is opened again.
const feedHeartbeat = 2 * time.Second

// feedReopenPause is the pause before a feed is opened again that the server has ended, drainTimeout how long one that is
// stopped waits for what is on its way.
const feedReopenPause, drainTimeout = time.Second, time.Second

// Feed opens the feed with this name, which begins with the next event when there is none yet. An event that is neither
// acked nor nacked, nor in progress, after patience is delivered to somebody else. Up to prefetch events are fetched
// before they are asked for. Callers must Stop it.
func (l *Log) Feed(ctx context.Context, name string, patience time.Duration, prefetch int) (*Feed, error) {
	f := &Feed{log: l, prefetch: prefetch, config: jetstream.ConsumerConfig{
		Durable:       name,
		DeliverPolicy: jetstream.DeliverNewPolicy,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       patience,
		MaxAckPending: maxUnacked,
	}}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	if err := f.open(ctx); err != nil {
		f.cancel()
		return nil, fmt.Errorf("opening the feed %s of the log of events: %w", name, err)
	}
	return f, nil
}

func (f *Feed) open(ctx context.Context) error {
	return untilAnswered(ctx, func(ctx context.Context) error {
		consumer, err := f.log.stream.stream.CreateOrUpdateConsumer(ctx, f.config)
		if err != nil {
			return err
		}
		f.messages, err = consumer.Messages(jetstream.PullMaxMessages(f.prefetch), jetstream.PullHeartbeat(feedHeartbeat))
		return err
	})
}

// Next waits for the next event. Without one the feed was stopped, and has nothing more that was fetched, or the
// connection closed. Only one goroutine may call it.
func (f *Feed) Next() (Fed, bool) {
	for {
		msg, err := f.messages.Next(jetstream.NextContext(f.ctx))
		if f.ctx.Err() != nil {
			f.messages.Drain()
			msg, err = f.messages.Next(jetstream.NextMaxWait(drainTimeout))
		}
		switch {
		case err != nil && f.ctx.Err() != nil, errors.Is(err, nats.ErrConnectionClosed):
			f.messages.Stop()
			return Fed{}, false
		case errors.Is(err, jetstream.ErrMsgIteratorClosed), errors.Is(err, jetstream.ErrNoHeartbeat):
			// Somebody has deleted the consumer, or the server has forgotten who waits.
			f.messages.Stop()
			if pause.For(f.ctx, feedReopenPause) {
				_ = f.open(f.ctx) // or else the next time
			}
		case err != nil: // the connection, or the leader, is away
			pause.For(f.ctx, retryPause)
		default:
			if fed, ok := f.parse(msg); ok {
				return fed, true
			}
			_ = msg.Term() // not an event of ours
		}
	}
}

func (f *Feed) parse(msg jetstream.Msg) (Fed, bool) {
	meta, err := msg.Metadata()
	if err != nil {
		return Fed{}, false
	}
	logged, err := f.log.parse(msg.Subject(), msg.Headers(), msg.Data())
	logged.Sequence, logged.Time = meta.Sequence.Stream, meta.Timestamp
	return Fed{Logged: logged, Delivered: meta.NumDelivered, msg: msg}, err == nil
}

// Stop ends the feed: nothing more is fetched. What Next has returned goes to others if it is not acked.
func (f *Feed) Stop() { f.cancel() }

// Ack says that the event needs no more delivery. Unless that arrives, it is delivered again.
func (e Fed) Ack() { _ = e.msg.Ack() }

// InProgress says that the event is not forgotten.
func (e Fed) InProgress() { _ = e.msg.InProgress() }

// Nak asks for the event to be delivered again, after a delay.
func (e Fed) Nak(after time.Duration) { _ = e.msg.NakWithDelay(after) }
